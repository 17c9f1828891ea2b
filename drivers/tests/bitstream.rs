//! Bitstream files: what is whole is taken and converted, what is not ends in one clear line.

mod bits;

use bits::{Z7020, ZU3EG, bit, plain, swapped, ultra96, words};
use std::path::Path;
use tincy_bitstreams::device::{self, Device};
use tincy_drivers::fpga::Bitstream;

fn parse(bytes: &[u8]) -> Result<Bitstream, String> {
    let parsed = Bitstream::parse(Path::new("design.bit"), bytes);
    parsed.map_err(|error| {
        let text = error.to_string();
        assert!(
            text.starts_with("design.bit: ") && text.lines().count() == 1,
            "{text}"
        );
        text
    })
}

fn device(name: &str) -> Device {
    device::find(&device::known(), name).unwrap().clone()
}

fn check(bytes: &[u8], name: &str) -> Result<Option<String>, String> {
    let bitstream = parse(bytes).expect("a whole file");
    bitstream
        .check(&device(name))
        .map_err(|error| error.to_string())
}

#[test]
fn a_bit_file_is_read_and_turned_word_by_word() {
    let bitstream = parse(&ultra96()).unwrap();
    let header = bitstream.header().unwrap();
    assert_eq!(header.design, "small;UserID=0XFFFFFFFF;Version=2018.2");
    assert_eq!(header.part, "xczu3eg-sbva484-1-e");
    assert_eq!((&*header.date, &*header.time), ("2018/09/20", "18:22:52"));
    assert_eq!(bitstream.idcode().0, ZU3EG);
    // The stream does not begin at a whole word of the file.
    assert_eq!((ultra96().len() - bitstream.bytes()) % 4, 1);
    assert_eq!(bitstream.swapped(), swapped(&words(ZU3EG)));
}

#[test]
fn the_three_forms_of_a_file_are_one_bitstream() {
    let words = words(ZU3EG);
    for bytes in [ultra96(), plain(&words), swapped(&words)] {
        let bitstream = parse(&bytes).unwrap();
        assert_eq!(bitstream.swapped(), swapped(&words));
    }
    assert!(parse(&swapped(&words)).unwrap().header().is_none());
}

#[test]
fn a_file_cut_off_anywhere_is_an_error_or_the_same_design() {
    let whole = ultra96();
    for length in 0..whole.len() {
        let error = parse(&whole[..length]).expect_err("a .bit file states its length");
        assert!(
            error.contains("give the .bit that the tools wrote"),
            "{length}: {error}"
        );
    }
    let words = words(ZU3EG);
    let whole = swapped(&words);
    // Behind DESYNC there is padding only.
    let end = whole.len() - 6 * 4;
    for length in 0..whole.len() {
        match parse(&whole[..length]) {
            Err(_) => assert!(length < end || length % 4 != 0, "{length}"),
            Ok(bitstream) => {
                assert!(
                    length >= end && length % 4 == 0,
                    "{length} bytes pass for whole"
                );
                assert_eq!(bitstream.swapped(), whole[..length]);
            }
        }
    }
}

#[test]
fn every_damaged_byte_is_survived() {
    let whole = ultra96();
    for at in 0..whole.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut damaged = whole.clone();
            damaged[at] ^= change;
            if let Ok(bitstream) = parse(&damaged) {
                assert!(bitstream.bytes() <= whole.len());
            }
        }
    }
}

#[test]
fn what_is_wrong_with_a_file_is_named() {
    let stream = plain(&words(ZU3EG));
    let mut behind = ultra96();
    behind.extend([0; 3]);
    let mut no_idcode = words(ZU3EG);
    no_idcode[20] = 0x2000_0000;
    no_idcode[21] = 0x2000_0000;
    let mut partial = words(ZU3EG);
    partial[16] = 0x2000_0000;
    partial[17] = 0x2000_0000;
    let mut odd = swapped(&words(ZU3EG));
    odd.push(0);
    let mut rubbish = words(ZU3EG);
    rubbish[14] = 0xdead_beef;
    let mut unknown = ultra96();
    unknown[13] = b'z';
    let unsynced = bit("xczu3eg", &[0xff; 64]);
    let picture = [b"\xff\xd8\xff\xe0", &[7; 5000][..]].concat();
    let cases: [(&[u8], &str); 11] = [
        (&[], "an empty file"),
        (
            b"hello",
            "no bitstream: there is no sync word near its beginning",
        ),
        (&picture, "no bitstream: there is no sync word"),
        (&unsynced, "no bitstream: there is no sync word"),
        (&behind, "3 bytes behind the end of its stream of"),
        (&plain(&no_idcode), "it names no device (no IDCODE packet)"),
        (
            &plain(&partial),
            "a partial bitstream, which changes a design that runs",
        ),
        (&odd, "is not whole words"),
        (
            &plain(&rubbish),
            "0xdeadbeef at byte 56 of its stream is no packet",
        ),
        (
            &stream[..200],
            "cut off: a packet of 40 words, 26 are there",
        ),
        (&unknown, "a record of unknown kind `z`"),
    ];
    for (bytes, expected) in cases {
        let error = parse(bytes).expect_err(expected);
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

#[test]
fn a_file_for_another_device_is_refused_by_name() {
    let zu3eg = ultra96();
    assert_eq!(check(&zu3eg, "xczu3eg").unwrap(), None);
    let error = check(&zu3eg, "xczu7ev").unwrap_err();
    assert!(
        error.contains("it is for xczu3eg-sbva484-1-e, the board has XCZU7EV"),
        "{error}"
    );
    // The same without the header: by its IDCODE.
    let bare = swapped(&words(ZU3EG));
    assert_eq!(check(&bare, "xczu3eg").unwrap(), None);
    let error = check(&bare, "xczu7ev").unwrap_err();
    assert!(
        error.contains("it is for XCZU3EG (IDCODE 0x04a42093), the board has XCZU7EV"),
        "{error}"
    );
    let pynq = bit("7z020clg400", &plain(&words(Z7020)));
    let error = check(&pynq, "xczu3eg").unwrap_err();
    assert!(
        error.contains("it is for 7z020clg400, the board has XCZU3EG"),
        "{error}"
    );
    assert_eq!(check(&pynq, "xc7z020").unwrap(), None);
    let strange = swapped(&words(0x1234_5093));
    let error = check(&strange, "xczu3eg").unwrap_err();
    assert!(
        error.contains("it is for the device of IDCODE 0x12345093"),
        "{error}"
    );
}

#[test]
fn a_header_that_lies_is_found_out_by_the_idcode() {
    let lying = bit("xczu3eg-sbva484-1-e", &plain(&words(Z7020)));
    let error = check(&lying, "xczu3eg").unwrap_err();
    assert!(
        error.contains("it is for XC7Z020 (IDCODE 0x03727093)"),
        "{error}"
    );
}

#[test]
fn either_idcode_of_a_device_and_any_revision_are_taken() {
    let part = "xczu3eg-sbva484-1-e";
    let of = |code: u32| check(&bit(part, &plain(&words(code))), "xczu3eg").unwrap();
    assert_eq!(of(0x14a4_2093), None);
    let warning = of(0x1471_0093).expect("worth a warning");
    assert!(
        warning.contains("IDCODE 0x14710093 is the one of XCZU3EG's JTAG, not 0x04a42093"),
        "{warning}"
    );
    let unknown = check(&swapped(&words(ZU3EG)), "xcvu9p").unwrap().unwrap();
    assert!(
        unknown.contains("the IDCODE of that device is not known"),
        "{unknown}"
    );
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let read = |path: &Path| Bitstream::read(path).unwrap_err().to_string();
    let absent = read(&folder.path().join("absent.bit"));
    assert!(absent.contains("absent.bit: No such file") && absent.contains("is the path right?"));
    assert!(read(folder.path()).contains("not a regular file"));
    let huge = folder.path().join("huge.bit");
    let file = std::fs::File::create(&huge).unwrap();
    file.set_len(1 << 40).unwrap();
    let error = read(&huge);
    assert!(error.contains("more than 268435456 bytes"), "{error}");
}
