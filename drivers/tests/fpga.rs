//! Loading through fake trees: the vendor's kernel, mainline's, and all that can be in the way.

mod bits;

use bits::{ZU3EG, bit, plain, swapped, ultra96, words};
use std::fs;
use std::path::Path;
use tempfile::TempDir;
use tincy_drivers::board::Board;
use tincy_drivers::fpga::clock::{Clocks, Source};
use tincy_drivers::fpga::overlay::Design;
use tincy_drivers::fpga::port::{self, Port};
use tincy_drivers::fpga::{self, Bitstream, Manager, Overlays};
use tincy_drivers::{Error, Roots};

const MANAGER: &str = "sys/class/fpga_manager/fpga0";
const OVERLAYS: &str = "sys/kernel/config/device-tree/overlays";

/// Registers of the processing system.
const IOPLL: u64 = 0xff5e_0020;
const RPLL: u64 = 0xff5e_0030;
const PL0: u64 = 0xff5e_00c0;
const FPD_AFI: u64 = 0xfd61_5000;

struct Tree {
    root: TempDir,
    roots: Roots,
}

impl Tree {
    fn new() -> Tree {
        let root = tempfile::tempdir().unwrap();
        let roots = Roots::under(root.path());
        Tree { root, roots }
    }

    fn put(&self, path: &str, text: &str) -> &Tree {
        let path = self.root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.root.path().join(path)).unwrap()
    }

    /// The board's device tree, and a manager in a state.
    fn ultra96(&self, state: &str) -> &Tree {
        self.put("sys/firmware/devicetree/base/model", "Avnet Ultra96 Rev1\0");
        let names = "avnet,ultra96-rev1\0avnet,ultra96\0xlnx,zynqmp-zcu100-revC\0xlnx,zynqmp\0";
        self.put("sys/firmware/devicetree/base/compatible", names);
        self.put(&format!("{MANAGER}/name"), "Xilinx ZynqMP FPGA Manager\n");
        self.put(&format!("{MANAGER}/state"), &format!("{state}\n"))
    }

    fn vendor(&self, state: &str) -> &Tree {
        self.ultra96(state);
        self.put(&format!("{MANAGER}/flags"), "1\n");
        self.put(&format!("{MANAGER}/firmware"), "");
        fs::create_dir_all(self.root.path().join(OVERLAYS)).unwrap();
        self
    }

    /// Registers in a stand-in for `/dev/mem`, all of it a hole but what is written.
    fn registers(&self, values: &[(u64, u32)]) -> &Tree {
        use std::os::unix::fs::FileExt;
        fs::create_dir_all(&self.roots.dev).unwrap();
        let path = self.roots.dev.join("mem");
        let file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .unwrap();
        file.set_len(1 << 32).unwrap();
        for (at, value) in values {
            file.write_all_at(&value.to_le_bytes(), *at).unwrap();
        }
        self
    }

    fn register(&self, at: u64) -> u32 {
        use std::os::unix::fs::FileExt;
        let file = fs::File::open(self.roots.dev.join("mem")).unwrap();
        let mut bytes = [0; 4];
        file.read_exact_at(&mut bytes, at).unwrap();
        u32::from_le_bytes(bytes)
    }

    fn board(&self) -> Board {
        Board::read(&self.roots).unwrap()
    }
}

/// What an error says, with the tree's own path left out; one line always.
fn said<T>(result: Result<T, Error>, tree: &Tree) -> String {
    let text = result.err().expect("an error").to_string();
    assert_eq!(text.lines().count(), 1, "{text}");
    text.replace(&tree.root.path().display().to_string(), "")
}

fn small() -> Bitstream {
    Bitstream::parse(Path::new("small.bit"), &ultra96()).unwrap()
}

/// A flattened device tree of one property; lengths and places as in chapter 5 of the specification.
fn overlay(firmware: &str) -> Vec<u8> {
    let name = b"firmware-name\0";
    let mut value = firmware.as_bytes().to_vec();
    value.push(0);
    let length = value.len();
    value.resize(length.next_multiple_of(4), 0);
    let structure = 4 + 4 + 12 + value.len() + 4 + 4;
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
    let number = |word: usize| (word as u32).to_be_bytes();
    let mut blob: Vec<u8> = header.iter().flat_map(|word| number(*word)).collect();
    blob.extend([1, 0, 3, length, 0].iter().flat_map(|word| number(*word)));
    blob.extend(value);
    blob.extend([2, 9].iter().flat_map(|word| number(*word)));
    blob.extend(name);
    blob
}

#[test]
fn the_board_and_its_device_are_known_by_the_device_tree() {
    let tree = Tree::new();
    let nowhere = tree.board();
    assert!(nowhere.model.is_none() && nowhere.device.is_none() && !nowhere.is_zynq());
    tree.ultra96("operating");
    let board = tree.board();
    assert_eq!(board.model.as_deref(), Some("Avnet Ultra96 Rev1"));
    assert_eq!(board.name.as_deref(), Some("Ultra96"));
    assert_eq!(board.device.as_ref().unwrap().name, "XCZU3EG");
    assert!(board.is_zynqmp() && board.is_zynq());
}

#[test]
fn the_vendors_kernel_loads_a_file_by_its_name() {
    let tree = Tree::new();
    tree.vendor("operating");
    let manager = Manager::find(&tree.roots).unwrap();
    assert_eq!(manager.name().unwrap(), "Xilinx ZynqMP FPGA Manager");
    assert_eq!(manager.load(&small()).unwrap(), "operating");
    assert_eq!(tree.text(&format!("{MANAGER}/firmware")), "tincy.bit.bin\n");
    assert_eq!(tree.text(&format!("{MANAGER}/flags")), "0\n");
    let loaded = fs::read(tree.roots.firmware.join("tincy.bit.bin")).unwrap();
    assert_eq!(loaded, swapped(&words(ZU3EG)));
    let files = fs::read_dir(&tree.roots.firmware).unwrap().count();
    assert_eq!(files, 1, "nothing else is left there");
}

#[test]
fn a_mainline_kernel_cannot_be_told_to_load() {
    let tree = Tree::new();
    tree.ultra96("unknown");
    let manager = Manager::find(&tree.roots).unwrap();
    assert_eq!(
        said(manager.load(&small()), &tree),
        "/sys/class/fpga_manager/fpga0 has no attribute `firmware`; this is a mainline kernel's: \
         load an overlay instead (`tincy board load FILE.dtbo`), by the boot loader (U-Boot: `fpga \
         load 0 ADDRESS SIZE`), or boot the vendor's kernel"
    );
    assert!(!tree.roots.firmware.exists(), "nothing was written");
}

#[test]
fn a_kernel_without_the_manager() {
    let tree = Tree::new();
    let error = said(Manager::find(&tree.roots), &tree);
    assert!(
        error.starts_with("no FPGA manager in /sys/class/fpga_manager; boot the vendor's kernel"),
        "{error}"
    );
}

#[test]
fn a_state_that_is_not_operating_afterwards_is_an_error() {
    for (state, remedy) in [
        (
            "write error",
            "the device did not start: is the file for this device?",
        ),
        ("write init error", "the firmware refused the file"),
        ("firmware request error", "the kernel did not find the file"),
        ("unknown", "`dmesg` may say more"),
    ] {
        let tree = Tree::new();
        tree.vendor(state);
        let error = said(Manager::find(&tree.roots).unwrap().load(&small()), &tree);
        let what = format!("the logic is not loaded: the FPGA manager's state is `{state}`; ");
        assert!(
            error.starts_with(&what) && error.contains(remedy),
            "{error}"
        );
    }
}

#[test]
fn what_may_not_be_written_asks_for_root() {
    // Where the tests run as root no mode keeps them out: a folder in the file's place does.
    let tree = Tree::new();
    tree.vendor("operating");
    let firmware = tree.root.path().join(MANAGER).join("firmware");
    fs::remove_file(&firmware).unwrap();
    fs::create_dir(&firmware).unwrap();
    let error = said(Manager::find(&tree.roots).unwrap().load(&small()), &tree);
    assert!(
        error.starts_with("/sys/class/fpga_manager/fpga0/firmware: ")
            && error.contains("run as root"),
        "{error}"
    );
    fs::remove_dir_all(&tree.roots.firmware).unwrap();
    fs::write(&tree.roots.firmware, "").unwrap();
    let error = said(Manager::find(&tree.roots).unwrap().load(&small()), &tree);
    assert!(
        error.starts_with("/lib/firmware/tincy.bit.bin: ") && error.contains("run as root"),
        "{error}"
    );
}

#[test]
fn a_mode_that_forbids_is_said_as_such() {
    use std::os::unix::fs::PermissionsExt;
    let tree = Tree::new();
    tree.vendor("operating");
    let path = tree.root.path().join(MANAGER).join("firmware");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    match Manager::find(&tree.roots).unwrap().load(&small()) {
        // Root is not kept out by a mode.
        Ok(state) => assert_eq!(state, "operating"),
        error => {
            assert!(said(error, &tree).contains("Permission denied (os error 13); run as root"))
        }
    }
}

#[test]
fn an_overlay_brings_its_bitstream_and_goes_again() {
    let tree = Tree::new();
    tree.vendor("operating");
    let file = tree.root.path().join("work/design.dtbo");
    tree.put("work/other", "");
    fs::write(&file, overlay("design.bit.bin")).unwrap();
    assert!(Design::is(&file));
    // The bitstream lies beside it as the tools made it.
    fs::write(tree.root.path().join("work/design.bit"), ultra96()).unwrap();
    let design = Design::read(&file, &tree.roots).unwrap();
    assert_eq!(design.bitstream().unwrap().idcode().0, ZU3EG);
    let overlays = Overlays::find(&tree.roots).unwrap();
    overlays.load(&design, &tree.roots).unwrap();
    assert_eq!(tree.text(&format!("{OVERLAYS}/tincy/path")), "tincy.dtbo\n");
    let placed = |name: &str| fs::read(tree.roots.firmware.join(name)).unwrap();
    assert_eq!(placed("design.bit.bin"), swapped(&words(ZU3EG)));
    assert_eq!(placed("tincy.dtbo"), overlay("design.bit.bin"));

    // Twice is an error that says what to do.
    tree.put(&format!("{OVERLAYS}/tincy/status"), "applied\n");
    assert_eq!(
        said(overlays.load(&design, &tree.roots), &tree),
        "an overlay named tincy is loaded already, made of tincy.dtbo; take it away first: `tincy \
         board unload`"
    );
    let all = overlays.all().unwrap();
    assert_eq!(
        (all.len(), &*all[0].name, &*all[0].status),
        (1, "tincy", "applied")
    );

    // The kernel takes the attributes with the folder.
    fs::remove_file(tree.root.path().join(OVERLAYS).join("tincy/path")).unwrap();
    fs::remove_file(tree.root.path().join(OVERLAYS).join("tincy/status")).unwrap();
    overlays.unload().unwrap();
    assert!(overlays.all().unwrap().is_empty());
    assert_eq!(
        said(overlays.unload(), &tree),
        "no overlay named tincy: none is loaded; a design that was loaded directly stays until the \
         next one is loaded"
    );
    fs::create_dir(tree.root.path().join(OVERLAYS).join("k26-starter")).unwrap();
    assert!(said(overlays.unload(), &tree).contains("there are k26-starter, loaded by others"));
}

#[test]
fn an_overlay_that_leaves_the_logic_unloaded_is_an_error() {
    let tree = Tree::new();
    tree.vendor("write error");
    let file = tree.root.path().join("design.dtbo");
    fs::write(&file, overlay("design.bit.bin")).unwrap();
    fs::write(
        tree.root.path().join("design.bit.bin"),
        swapped(&words(ZU3EG)),
    )
    .unwrap();
    let design = Design::read(&file, &tree.roots).unwrap();
    let overlays = Overlays::find(&tree.roots).unwrap();
    assert!(said(overlays.load(&design, &tree.roots), &tree).contains("state is `write error`"));
}

#[test]
fn what_a_loading_that_failed_left_behind_is_no_hindrance() {
    let tree = Tree::new();
    tree.vendor("operating");
    let file = tree.root.path().join("nodes.dtbo");
    fs::write(&file, overlay("nodes.bit.bin")).unwrap();
    fs::write(tree.root.path().join("nodes.bit"), ultra96()).unwrap();
    let design = Design::read(&file, &tree.roots).unwrap();
    fs::create_dir(tree.root.path().join(OVERLAYS).join("tincy")).unwrap();
    let overlays = Overlays::find(&tree.roots).unwrap();
    overlays.load(&design, &tree.roots).unwrap();
    assert_eq!(tree.text(&format!("{OVERLAYS}/tincy/path")), "tincy.dtbo\n");
}

#[test]
fn what_is_wrong_with_an_overlays_file_is_said() {
    let tree = Tree::new();
    tree.vendor("operating");
    let read = |bytes: &[u8]| {
        let file = tree.root.path().join("design.dtbo");
        fs::write(&file, bytes).unwrap();
        said(Design::read(&file, &tree.roots), &tree)
    };
    let whole = overlay("design.bit.bin");
    assert!(read(&whole).contains("it names design.bit.bin, which is neither beside it nor"));
    assert!(read(&whole[..60]).contains("no whole overlay: its length is not the one"));
    assert!(read(&overlay("../design.bin")).contains("\"../design.bin\" is not a file's name"));
    fs::write(
        tree.root.path().join("design.bit.bin"),
        bit("x", &plain(&words(1))[..80]),
    )
    .unwrap();
    assert!(read(&whole).contains("/design.bit.bin: cut off"));
    assert!(!Design::is(&tree.root.path().join("design.bit.bin")));
    let bare = Tree::new();
    let error = said(Overlays::find(&bare.roots), &bare);
    assert!(
        error.contains("mount -t configfs") && error.contains("CONFIG_OF_CONFIGFS"),
        "{error}"
    );
}

#[test]
fn clocks_are_read_and_set_by_their_registers() {
    let tree = Tree::new();
    // IOPLL: 33.33 MHz * 90 / 2; RPLL: held in reset; PL0: IOPLL / 15 / 1, on.
    let values = [
        (IOPLL, 0x0001_5a00),
        (RPLL, 1),
        (PL0, 0x0101_0f00),
        (PL0 + 8, 0x0001_0f00),
    ];
    tree.ultra96("operating").registers(&values);
    let mut clocks = Clocks::open(&tree.roots, &tree.board()).unwrap();
    let close = |found: Option<f64>, expected: f64| (found.unwrap() - expected).abs() < 100.0;
    let pl0 = clocks.read(0).unwrap();
    assert_eq!((pl0.on, pl0.source), (true, Source::Io));
    assert!(close(pl0.rate_hz, 100e6), "{pl0:?}");
    assert!(!clocks.read(2).unwrap().on);
    let pl2 = clocks.set(2, 250e6).unwrap();
    assert!(pl2.on && close(pl2.rate_hz, 250e6), "{pl2:?}");
    assert_eq!(tree.register(PL0 + 8), 0x0101_0600);
    assert_eq!(tree.register(PL0), 0x0101_0f00, "the others stay");
    assert!(
        said(clocks.set(1, 3e9), &tree).contains("3000 MHz cannot be had, the next below it is")
    );
    assert!(said(clocks.set(4, 1e8), &tree).contains("there is no clock PL4"));
}

#[test]
fn widths_of_ports_are_read_and_set_by_their_own_codes() {
    let tree = Tree::new();
    // HPM0 64 bits, HPM1 128.
    tree.ultra96("operating")
        .registers(&[(FPD_AFI, 0x0900), (0xfd38_0000, 2), (0xfd38_0014, 1)]);
    let board = tree.board();
    let open = |name: &str| Port::open(&tree.roots, &board, name).unwrap();
    let width = |name: &str| open(name).width().unwrap().to_string();
    assert_eq!(["HPM0", "hpm1", "HPM0_LPD"].map(width), ["64", "128", "32"]);
    // Memory ports have codes the other way round: 0 is 128; reading and writing are two.
    assert_eq!(
        ["HPC0", "HP0", "HP3", "LPD"].map(width),
        ["128", "32/64", "128", "128"]
    );
    open("HP0").set(128).unwrap();
    assert_eq!(
        (tree.register(0xfd38_0000), tree.register(0xfd38_0014)),
        (0, 0)
    );
    open("HPM0").set(32).unwrap();
    assert_eq!(tree.register(FPD_AFI), 0x0800);
    assert!(said(open("HPM1").set(256), &tree).contains("HPM1 cannot be 256 bits wide"));
    let error = said(Port::open(&tree.roots, &board, "HP9").map(|_| ()), &tree);
    assert!(
        error.contains("no port HP9; choose one of HPM0, HPM1"),
        "{error}"
    );
    assert_eq!(port::names().count(), 10);
}

#[test]
fn a_board_of_another_kind_has_no_registers_that_are_known() {
    let tree = Tree::new();
    tree.put(
        "sys/firmware/devicetree/base/compatible",
        "xlnx,zynq-zc706\0xlnx,zynq-7000\0",
    );
    let error = said(Clocks::open(&tree.roots, &tree.board()), &tree);
    assert!(
        error.starts_with("this is no Zynq UltraScale+: its clocks"),
        "{error}"
    );
}

#[test]
fn the_logic_is_touched_only_while_a_design_runs_and_is_clocked() {
    let tree = Tree::new();
    let running = |tree: &Tree| fpga::running(&tree.roots);
    assert!(said(running(&tree), &tree).starts_with("no FPGA manager"));
    tree.ultra96("unknown");
    assert!(
        said(running(&tree), &tree).contains("no design is loaded: the FPGA manager's state is")
    );
    tree.ultra96("operating");
    // Whether a clock is on cannot be known: not touched.
    assert!(said(running(&tree), &tree).starts_with("/dev/mem: No such file"));
    tree.registers(&[(IOPLL, 0x0001_5a00)]);
    assert!(said(running(&tree), &tree).starts_with("all clocks of the logic are off"));
    tree.registers(&[(PL0, 0x0101_0f00)]);
    let running = running(&tree).unwrap();
    assert_eq!(
        (running.state.as_str(), running.clocks.len()),
        ("operating", 1)
    );
}
