//! The map of the published overlays, and maps that are refused.

use tincy_drivers::registers::RegisterMap;

fn refusal(registers: &str) -> String {
    let text = format!(
        r#"{{"overlay": "x", "window_bytes": 16, "interrupt": false, "registers": [{registers}]}}"#
    );
    RegisterMap::parse(&text).unwrap_err().to_string()
}

#[test]
fn the_published_map_has_the_documented_offsets() {
    let map = RegisterMap::parse(tincy_bitstreams::overlay::QNN_MO_REGISTERS).unwrap();
    let expected = [
        ("CTRL", 0x00),
        ("IN1_LOW", 0x10),
        ("IN2_LOW", 0x1c),
        ("OUT_HIGH", 0x2c),
        ("DO_INIT", 0x34),
        ("POOL_STRIDE", 0x8c),
    ];
    for (name, offset) in expected {
        assert_eq!(map.register(name).unwrap().offset, offset, "{name}");
    }
    assert_eq!(map.register("CTRL").unwrap().known_bits(), 0x8f);
    assert_eq!(map.mask("CTRL", "done").unwrap(), 2);
    assert_eq!(
        map.mask("CTRL", "error").unwrap_err().to_string(),
        "register map of qnn-mo: CTRL has no field error"
    );
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let a = r#"{"name": "A", "offset": "0x4", "access": "rw"}"#;
    let cases = [
        (
            format!(r#"{a}, {{"name": "B", "offset": "0x4", "access": "r"}}"#),
            "B and A overlap at 0x4",
        ),
        (
            format!(r#"{a}, {{"name": "A", "offset": "0x8", "access": "r"}}"#),
            "A: the name is taken",
        ),
        (
            r#"{"name": "A", "offset": "0x6", "access": "r"}"#.into(),
            "A at 0x6: a multiple of 4 expected",
        ),
        (
            r#"{"name": "A", "offset": "0x10", "access": "r"}"#.into(),
            "A at 0x10: outside of 0x10 bytes",
        ),
        (
            r#"{"name": "A", "offset": "0xfffffffc", "access": "r"}"#.into(),
            "outside of 0x10 bytes",
        ),
        (
            r#"{"name": "A", "offset": "12", "access": "r"}"#.into(),
            "hexadecimal like 0x10 expected",
        ),
        (
            r#"{"name": "A", "offset": "0x0", "access": "x"}"#.into(),
            "unknown variant `x`",
        ),
        (
            r#"{"name": "A", "offset": "0x0", "access": "r", "ofset": 1}"#.into(),
            "unknown field `ofset`",
        ),
        (
            r#"{"name": "A", "access": "r"}"#.into(),
            "missing field `offset`",
        ),
    ];
    for (text, expected) in cases {
        let found = refusal(&text);
        assert!(found.contains(expected), "{found}");
        assert_eq!(found.lines().count(), 1);
    }
}

#[test]
fn fields_that_cannot_be_are_refused_by_name() {
    let cases = [
        (
            r#"{"name": "f", "bits": [0, 3]}, {"name": "g", "bits": [3, 4]}"#,
            "A.g: overlaps another field",
        ),
        (
            r#"{"name": "f", "bits": [0, 3]}, {"name": "f", "bits": [5, 5]}"#,
            "A.f: the name is taken",
        ),
        (r#"{"name": "f", "bits": [4, 3]}"#, "A.f: bits 4 to 3"),
        (r#"{"name": "f", "bits": [0, 32]}"#, "A.f: bits 0 to 32"),
    ];
    for (fields, expected) in cases {
        let text =
            format!(r#"{{"name": "A", "offset": "0x0", "access": "rw", "fields": [{fields}]}}"#);
        let found = refusal(&text);
        assert!(found.contains(expected), "{found}");
    }
}
