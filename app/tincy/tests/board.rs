//! `tincy board` as a whole process: on this machine, and on copies of boards' trees.

mod support;

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use support::{Run, refused, run, tincy};
use tempfile::TempDir;

const MANAGER: &str = "sys/class/fpga_manager/fpga0";
const OVERLAYS: &str = "sys/kernel/config/device-tree/overlays";

/// IDCODE of a ZU3EG's bitstreams.
const ZU3EG: u32 = 0x04a4_2093;

/// A machine's tree.
struct Tree {
    root: TempDir,
}

impl Tree {
    fn new() -> Tree {
        Tree {
            root: tempfile::tempdir().unwrap(),
        }
    }

    /// An Ultra96 with the vendor's kernel, a design loaded, and nothing else.
    fn ultra96() -> Tree {
        let tree = Tree::new();
        let names = "avnet,ultra96-rev1\0avnet,ultra96\0xlnx,zynqmp-zcu100-revC\0xlnx,zynqmp\0";
        tree.put("sys/firmware/devicetree/base/model", "Avnet Ultra96 Rev1\0");
        tree.put("sys/firmware/devicetree/base/compatible", names);
        tree.put("proc/sys/kernel/osrelease", "6.1.30-xilinx-v2023.2\n");
        tree.put("proc/meminfo", "CmaTotal: 262144 kB\nCmaFree: 250000 kB\n");
        tree.put(&format!("{MANAGER}/name"), "Xilinx ZynqMP FPGA Manager\n");
        tree.put(&format!("{MANAGER}/state"), "operating\n");
        tree.put(&format!("{MANAGER}/flags"), "0\n");
        tree.put(&format!("{MANAGER}/firmware"), "");
        fs::create_dir_all(tree.path(OVERLAYS)).unwrap();
        tree
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn put(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A stand-in for `/dev/mem`: PL0 runs at 33.33 MHz * 90 / 2 / 15.
    fn registers(&self) {
        use std::os::unix::fs::FileExt;
        self.put("dev/mem", "");
        let file = fs::OpenOptions::new()
            .write(true)
            .open(self.path("dev/mem"))
            .unwrap();
        file.set_len(1 << 32).unwrap();
        for (at, value) in [(0xff5e_0020, 0x0001_5a00u32), (0xff5e_00c0, 0x0101_0f00)] {
            file.write_all_at(&value.to_le_bytes(), at).unwrap();
        }
    }

    /// The accelerator's UIO device, its registers all zero, and its buffer.
    fn accelerator(&self) {
        let folder = "sys/class/uio/uio2";
        self.put(&format!("{folder}/name"), "tincy-accel\n");
        self.put(&format!("{folder}/maps/map0/addr"), "0xa0000000\n");
        self.put(&format!("{folder}/maps/map0/size"), "0x10000\n");
        self.put(&format!("{folder}/maps/map0/offset"), "0x0\n");
        self.put(&format!("{folder}/device/of_node/reg"), "");
        self.put("dev/uio2", vec![0; 0x10000]);
        let folder = "sys/class/u-dma-buf/tincy-buf0";
        self.put("dev/tincy-buf0", vec![0; 16 << 20]);
        self.put(&format!("{folder}/size"), "16777216\n");
        self.put(&format!("{folder}/phys_addr"), "0x0000000070000000\n");
    }

    fn board(&self, arguments: &[&str]) -> Run {
        let mut command = tincy();
        command
            .arg("board")
            .args(arguments)
            .arg("--root")
            .arg(self.root.path());
        run(&mut command)
    }
}

/// A whole bitstream of a few words: sync, options, IDCODE, data, the end.
fn stream(idcode: u32) -> Vec<u32> {
    let mut words = vec![u32::MAX, 0x0000_00bb, 0x1122_0044, u32::MAX, 0xaa99_5566];
    words.extend([0x2000_0000, 0x3001_2001, 0x3800_3fe5, 0x3001_8001, idcode]);
    words.extend([0x3000_4000, 0x5000_0004, 1, 2, 3, 4, 0x3000_8001, 13]);
    words
}

/// A `.bit` file for a part.
fn bit(part: &str, idcode: u32) -> Vec<u8> {
    let mut file = vec![
        0, 9, 0x0f, 0xf0, 0x0f, 0xf0, 0x0f, 0xf0, 0x0f, 0xf0, 0, 0, 1,
    ];
    for (key, text) in [(b'a', "qnn;Version=2018.2"), (b'b', part)] {
        file.push(key);
        file.extend((text.len() as u16 + 1).to_be_bytes());
        file.extend(text.bytes().chain([0]));
    }
    let stream: Vec<u8> = stream(idcode)
        .iter()
        .flat_map(|word| word.to_be_bytes())
        .collect();
    file.push(b'e');
    file.extend((stream.len() as u32).to_be_bytes());
    file.extend(stream);
    file
}

/// A flattened device tree of one property, `firmware-name`.
fn overlay(firmware: &str) -> Vec<u8> {
    let name = b"firmware-name\0";
    let mut value: Vec<u8> = firmware.bytes().chain([0]).collect();
    let length = value.len();
    value.resize(length.next_multiple_of(4), 0);
    let structure = 28 + value.len();
    let total = 40 + structure + name.len();
    let header = [
        0xd00d_feed,
        total,
        40,
        40 + structure,
        40,
        17,
        16,
        0,
        name.len(),
        structure,
    ];
    let number = |word: &usize| (*word as u32).to_be_bytes();
    let mut blob: Vec<u8> = header.iter().flat_map(number).collect();
    blob.extend([1, 0, 3, length, 0].iter().flat_map(number));
    blob.extend(value);
    blob.extend([2, 9].iter().flat_map(number));
    blob.extend(name);
    blob
}

/// The line of a subject and those of the remedy below it, blanks as one.
fn line(run: &Run, subject: &str) -> String {
    let mut lines = run.stdout.lines();
    let found = lines.find(|line| line.starts_with(&format!("{subject} ")));
    let found = found.unwrap_or_else(|| panic!("{subject}: {}", run.stdout));
    let remedy = lines.take_while(|line| line.starts_with("    "));
    let words = std::iter::once(found)
        .chain(remedy)
        .flat_map(str::split_whitespace);
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn this_machine_is_probed_whatever_it_is() {
    let text = run(tincy().args(["board", "probe"]));
    assert_eq!((text.code, text.stderr.as_str()), (0, ""));
    assert!(!text.stdout.contains('\u{1b}'), "no colours in a pipe");
    for subject in [
        "board", "cpu", "kernel", "overlays", "buffer", "pool", "camera", "display",
    ] {
        line(&text, subject);
    }
    let last = text.stdout.lines().last().unwrap();
    assert!(
        last.starts_with("Runs here: ") && last.contains("`tincy detect`"),
        "{last}"
    );
    let json = run(tincy().args(["board", "probe", "--json"]));
    let report: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(report["conclusion"], last);
    let findings = report["findings"].as_array().unwrap();
    for finding in findings {
        let state = finding["state"].as_str().unwrap();
        assert!(["ok", "note", "missing"].contains(&state), "{finding}");
        assert!(!finding["text"].as_str().unwrap().is_empty(), "{finding}");
        assert_eq!(finding["remedy"].is_string(), state != "ok", "{finding}");
    }
}

#[test]
fn a_machine_with_nothing_says_what_each_thing_needs() {
    let bare = Tree::new().board(&["probe"]);
    assert_eq!((bare.code, bare.stderr.as_str()), (0, ""));
    let expected = [
        ("board", "missing no device tree: not a board"),
        (
            "logic",
            "missing no FPGA manager in /sys/class/fpga_manager -> boot the vendor's kernel",
        ),
        ("overlays", "-> mount -t configfs"),
        (
            "buffer",
            "missing no u-dma-buf tincy-buf0 -> build and load u-dma-buf",
        ),
        (
            "pool",
            "-> a kernel with CONFIG_DMA_CMA, booted with cma=128M",
        ),
        (
            "/dev/mem",
            "note is not there -> a kernel with CONFIG_DEVMEM",
        ),
        (
            "accelerator",
            "there are no UIO devices -> load uio_pdrv_genirq with of_id=generic-uio",
        ),
        ("camera", "-> plug in a USB camera; `modprobe uvcvideo`"),
        ("display", "-> a kernel with CONFIG_DRM_ZYNQMP_DPSUB"),
        ("sensors", "-> a kernel with CONFIG_SENSORS_INA2XX"),
    ];
    for (subject, words) in expected {
        let found = line(&bare, subject);
        assert!(found.contains(words), "{words}: {found}");
    }
    let last = bare.stdout.lines().last().unwrap();
    assert!(
        last.contains("on the CPU only")
            && last.contains("logic, accelerator and buffer are missing"),
        "{last}"
    );
}

#[test]
fn a_board_that_has_all_is_told_so() {
    let tree = Tree::ultra96();
    tree.registers();
    tree.accelerator();
    tree.put("sys/class/video4linux/video0/name", "UVC Camera\n");
    tree.put("sys/class/drm/card0-DP-1/status", "connected\n");
    tree.put("sys/class/hwmon/hwmon3/name", "ina226_u79\n");
    tree.put("sys/class/hwmon/hwmon3/power1_input", "5437500\n");
    let full = tree.board(&["probe"]);
    assert_eq!((full.code, full.stderr.as_str()), (0, ""));
    let expected = [
        ("board", "board ok Avnet Ultra96 Rev1: Ultra96, XCZU3EG"),
        ("kernel", "kernel ok 6.1.30-xilinx-v2023.2"),
        ("logic", "logic ok Xilinx ZynqMP FPGA Manager: operating"),
        ("loading", "loading ok `tincy board load FILE`"),
        ("overlays", "overlays ok can be loaded, none is"),
        ("clocks", "clocks ok PL0 100 MHz"),
        ("ports", "HPM0 32, HPM1 32, HPM0_LPD 32, HPC0 128"),
        (
            "accelerator",
            "accelerator ok tincy-accel (uio2): 0x10000 bytes at 0xa0000000; no interrupt, polled",
        ),
        (
            "buffer",
            "buffer ok u-dma-buf tincy-buf0, 16.0 MiB at 0x70000000",
        ),
        ("pool", "pool ok CMA: 244.1 MiB free of 256.0 MiB"),
        ("camera", "camera ok video0 (UVC Camera)"),
        ("display", "display ok card0-DP-1 connected"),
        ("sensors", "sensors ok ina226_u79 5.4 W"),
    ];
    for (subject, words) in expected {
        let found = line(&full, subject);
        assert!(found.contains(words), "{words}: {found}");
    }
    let last = full.stdout.lines().last().unwrap();
    assert!(
        last.contains("the accelerator can be tried: `tincy board selftest`"),
        "{last}"
    );
}

#[test]
fn a_node_that_does_not_open_is_missing_and_udev_helps() {
    let tree = Tree::ultra96();
    tree.accelerator();
    // As root no mode keeps a node shut: one that is away does.
    fs::remove_file(tree.path("dev/uio2")).unwrap();
    fs::remove_file(tree.path("dev/tincy-buf0")).unwrap();
    let run = tree.board(&["probe"]);
    for subject in ["clocks", "ports"] {
        let found = line(&run, subject);
        assert!(
            found.contains("note not known: /dev/mem: No such file"),
            "{found}"
        );
    }
    for (subject, rule) in [
        (
            "accelerator",
            "SUBSYSTEM==\"uio\", GROUP=\"tincy\", MODE=\"0660\"",
        ),
        (
            "buffer",
            "SUBSYSTEM==\"u-dma-buf\", GROUP=\"tincy\", MODE=\"0660\"",
        ),
    ] {
        let found = line(&run, subject);
        assert!(
            found.starts_with(&format!("{subject} missing")) && found.contains(rule),
            "{found}"
        );
    }
}

#[test]
fn a_mainline_kernel_and_a_failed_loading_are_told() {
    let tree = Tree::ultra96();
    fs::remove_file(tree.path(MANAGER).join("firmware")).unwrap();
    tree.put(&format!("{MANAGER}/state"), "write error\n");
    fs::create_dir(tree.path(OVERLAYS).join("k26-starter-kits")).unwrap();
    let run = tree.board(&["probe"]);
    assert!(line(&run, "loading").contains("this is a mainline kernel's"));
    assert!(
        line(&run, "logic").contains(
            "missing Xilinx ZynqMP FPGA Manager: no design is loaded, state `write error`"
        )
    );
    assert!(line(&run, "overlays").contains("k26-starter-kits, loaded by others -> "));
}

#[test]
fn a_bitstream_is_loaded_and_its_clock_set() {
    let tree = Tree::ultra96();
    tree.registers();
    let file = tree.path("qnn.bit");
    fs::write(&file, bit("xczu3eg-sbva484-1-e", ZU3EG)).unwrap();
    let name = file.to_str().unwrap();
    let run = tree.board(&["load", name, "--clock", "PL2=250", "--port", "hp0=64"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.stdout);
    let expected = format!(
        "{name}: operating; design qnn for xczu3eg-sbva484-1-e, IDCODE 0x04a42093, 72 bytes\nport \
         HP0: 64 bits\nclock PL2: 250 MHz\n"
    );
    assert_eq!(run.stdout, expected);
    let loaded = fs::read(tree.path("lib/firmware/tincy.bit.bin")).unwrap();
    let turned: Vec<u8> = stream(ZU3EG)
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .collect();
    assert_eq!(loaded, turned);
    assert_eq!(
        fs::read(tree.path(MANAGER).join("firmware")).unwrap(),
        b"tincy.bit.bin\n"
    );
}

#[test]
fn a_clock_that_cannot_be_set_is_known_before_anything_is_loaded() {
    let tree = Tree::ultra96();
    tree.put("qnn.bit", bit("xczu3eg-sbva484-1-e", ZU3EG));
    let file = tree.path("qnn.bit");
    let run = tree.board(&["load", file.to_str().unwrap(), "--clock", "PL2=250"]);
    refused(&run, 3, &["/dev/mem: No such file", "run as root"]);
    assert!(!tree.path("lib/firmware").exists(), "nothing was written");
}

#[test]
fn what_cannot_be_loaded_is_refused_in_one_line() {
    let tree = Tree::ultra96();
    let file = |name: &str, bytes: &[u8]| {
        let path = tree.path(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_string()
    };
    let right = bit("xczu3eg-sbva484-1-e", ZU3EG);
    let load = |path: &str| tree.board(&["load", path]);
    refused(&load("absent.bit"), 3, &["absent.bit: No such file"]);
    refused(
        &load(&file("empty.bit", b"")),
        3,
        &["empty.bit: an empty file"],
    );
    refused(
        &load(&file("cut.bit", &right[..100])),
        3,
        &["cut.bit: cut off"],
    );
    refused(
        &load(&file("text.bit", b"hello")),
        3,
        &["no bitstream: there is no sync word"],
    );
    let pynq = file("pynq.bit", &bit("7z020clg400", 0x0372_7093));
    refused(
        &load(&pynq),
        3,
        &["it is for 7z020clg400, the board has XCZU3EG"],
    );
    let right = file("right.bit", &right);
    let other = tree.board(&["load", &right, "--device", "xczu7ev"]);
    refused(
        &other,
        3,
        &["it is for xczu3eg-sbva484-1-e, the board has XCZU7EV"],
    );
    assert!(!tree.path("lib/firmware").exists(), "nothing was written");
    tree.put(&format!("{MANAGER}/state"), "write init error\n");
    refused(
        &load(&right),
        3,
        &["the FPGA manager's state is `write init error`; the firmware refused"],
    );
}

#[test]
fn a_host_without_a_manager_says_what_is_missing() {
    let tree = Tree::new();
    tree.put("design.bit", bit("xczu3eg-sbva484-1-e", ZU3EG));
    let file = tree.path("design.bit");
    let run = tree.board(&["load", file.to_str().unwrap(), "--device", "xczu3eg"]);
    refused(
        &run,
        3,
        &["no FPGA manager in /sys/class/fpga_manager; boot the vendor's kernel"],
    );
    refused(
        &tree.board(&["unload"]),
        3,
        &["no overlays in /sys/kernel/config/device-tree"],
    );
}

#[test]
fn an_overlay_is_loaded_once_and_unloaded() {
    let tree = Tree::ultra96();
    tree.put("qnn.bit", bit("xczu3eg-sbva484-1-e", ZU3EG));
    tree.put("qnn.dtbo", overlay("qnn.bit.bin"));
    let file = tree.path("qnn.dtbo");
    let load = || tree.board(&["load", file.to_str().unwrap()]);
    let first = load();
    assert_eq!((first.code, first.stderr.as_str()), (0, ""));
    assert!(
        first
            .stdout
            .contains("applied as overlay tincy; design qnn for xczu3eg"),
        "{}",
        first.stdout
    );
    assert!(tree.path("lib/firmware/qnn.bit.bin").exists());
    refused(&load(), 3, &["is loaded already", "`tincy board unload`"]);
    // Also a bitstream alone: the overlay's devices would lose their design.
    let bit = tree.path("qnn.bit");
    let direct = tree.board(&["load", bit.to_str().unwrap()]);
    refused(
        &direct,
        3,
        &["overlay tincy is loaded", "`tincy board unload`"],
    );
    // The kernel takes the folder's attributes with it.
    fs::remove_file(tree.path(OVERLAYS).join("tincy/path")).unwrap();
    let unload = tree.board(&["unload"]);
    assert_eq!((unload.code, unload.stderr.as_str()), (0, ""));
    assert!(unload.stdout.starts_with("overlay tincy is taken away"));
    refused(
        &tree.board(&["unload"]),
        3,
        &["no overlay named tincy: none is loaded"],
    );
}

#[test]
fn a_bitstream_is_converted_without_a_board() {
    let tree = Tree::new();
    tree.put("qnn.bit", bit("xczu3eg-sbva484-1-e", ZU3EG));
    let (from, to) = (tree.path("qnn.bit"), tree.path("qnn.bit.bin"));
    let [from, to] = [&from, &to].map(|path| path.to_str().unwrap());
    let done = tree.board(&["load", from, "--device", "xczu3eg", "--convert", to]);
    assert_eq!((done.code, done.stderr.as_str()), (0, ""));
    let turned: Vec<u8> = stream(ZU3EG)
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .collect();
    assert_eq!(fs::read(Path::new(to)).unwrap(), turned);
    // Where the device is not known that is said, and done.
    let unchecked = tree.board(&["load", from, "--convert", to]);
    assert_eq!(unchecked.code, 0);
    assert!(unchecked.stderr.contains("warning: ") && unchecked.stderr.contains("--device NAME"));
}

#[test]
fn wrong_arguments_are_usage_errors() {
    let code = |arguments: &[&str]| run(tincy().arg("board").args(arguments)).code;
    for arguments in [
        &[][..],
        &["load"],
        &["unload", "x"],
        &["probe", "--yaml"],
        &["load", "x.bit", "--clock", "PL9=100"],
        &["load", "x.bit", "--clock", "fast"],
        &["load", "x.bit", "--port", "HP0=48"],
        &["load", "x.bit", "--device", "xczu99"],
        &["load", "x.bit", "--convert", "y", "--clock", "PL0=100"],
        &["selftest", "--overlay", "W8A8"],
        &["format"],
    ] {
        assert_eq!(code(arguments), 2, "{arguments:?}");
    }
}

#[test]
fn the_emulated_core_passes_its_test() {
    for overlay in ["W1A3", "W1A2"] {
        let run = Tree::new().board(&["selftest", "--overlay", overlay]);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.stdout);
        let first = run.stdout.lines().next().unwrap();
        assert!(
            first.starts_with(&format!(
                "qnn-mo {overlay}, emulated (no UIO device named tincy-accel"
            )),
            "{first}"
        );
        assert_eq!(
            run.stdout.lines().last().unwrap(),
            "emulated: all 17 steps ok"
        );
        for words in [
            "codes equal the CPU's",
            "lost done",
            "wrong length",
            "given up after 3 frames",
        ] {
            assert!(run.stdout.contains(words), "{words}: {}", run.stdout);
        }
        assert!(!run.stdout.contains("FAILED") && !run.stdout.contains("left out"));
    }
}

/// A core that is there and does not answer is never replaced by its emulation.
#[test]
fn a_board_whose_core_does_not_work_fails() {
    let tree = Tree::ultra96();
    tree.accelerator();
    tree.put(&format!("{MANAGER}/state"), "unknown\n");
    let run = tree.board(&["selftest"]);
    assert_eq!((run.code, run.stderr.as_str()), (3, ""), "{}", run.stdout);
    assert!(
        run.stdout
            .starts_with("qnn-mo W1A3 on this board, UIO device tincy-accel\n")
    );
    // Without a design nothing of it is touched.
    assert!(
        run.stdout
            .contains("no design is loaded: the FPGA manager's state is `unknown`")
    );
    assert_eq!(run.stdout.matches("left out").count(), 10, "{}", run.stdout);
    assert_eq!(
        run.stdout.lines().last().unwrap(),
        "hardware: 1 of 11 steps failed"
    );

    // A design runs, but the registers are not this core's: it never says that it is idle.
    tree.put(&format!("{MANAGER}/state"), "operating\n");
    tree.registers();
    for attribute in [
        "mode",
        "offset",
        "size",
        "direction",
        "for_cpu",
        "for_device",
    ] {
        tree.put(
            &format!("sys/class/u-dma-buf/tincy-buf0/sync_{attribute}"),
            "1\n",
        );
    }
    let run = tree.board(&["selftest"]);
    assert_eq!(run.code, 3);
    assert!(
        run.stdout.contains("operating; PL0 100 MHz"),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout.contains("waiting for rest: not done after"),
        "{}",
        run.stdout
    );
    let emulated = tree.board(&["selftest", "--emulated"]);
    assert_eq!(emulated.code, 0);
    assert!(
        emulated
            .stdout
            .starts_with("qnn-mo W1A3, emulated (as asked for)")
    );
}
