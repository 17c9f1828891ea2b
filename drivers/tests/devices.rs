//! Finding devices in a fake tree of `/sys` and `/dev`, and what is said when they are not there.

use std::fs;
use std::path::Path;
use tempfile::TempDir;
use tincy_drivers::memory::reserved::Reserved;
use tincy_drivers::memory::udmabuf::Udmabuf;
use tincy_drivers::memory::{Direction, DmaMemory, Need};
use tincy_drivers::registers::Registers;
use tincy_drivers::registers::uio::{Device, Region, Uio};
use tincy_drivers::{Error, Roots};

const PAGE: usize = 4096;

const NEED: Need = Need {
    bytes: 8192,
    below: 0x8000_0000,
};

struct Tree {
    root: TempDir,
    roots: Roots,
}

impl Tree {
    fn new() -> Tree {
        let root = tempfile::tempdir().unwrap();
        let roots = Roots::under(root.path());
        fs::create_dir_all(&roots.sys).unwrap();
        fs::create_dir_all(&roots.dev).unwrap();
        Tree { roots, root }
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The first line of a file: attributes are written over, not cut.
    fn line(&self, path: &str) -> String {
        let text = fs::read_to_string(self.root.path().join(path)).unwrap();
        text.lines().next().unwrap_or_default().to_string()
    }

    /// A UIO device with 256 bytes of registers, 16 bytes into its page, and reserved memory.
    fn uio(&self, number: usize, name: &str) {
        let folder = format!("sys/class/uio/uio{number}");
        self.put(&format!("{folder}/name"), &format!("{name}\n"));
        for (map, [address, size, offset]) in [
            ["0xa0000000", "0x100", "0x10"],
            ["0x60000000", "0x2000", "0x0"],
        ]
        .iter()
        .enumerate()
        {
            self.put(
                &format!("{folder}/maps/map{map}/addr"),
                &format!("{address}\n"),
            );
            self.put(
                &format!("{folder}/maps/map{map}/size"),
                &format!("{size}\n"),
            );
            self.put(
                &format!("{folder}/maps/map{map}/offset"),
                &format!("{offset}\n"),
            );
        }
        fs::write(
            self.roots.dev.join(format!("uio{number}")),
            vec![0; 4 * PAGE],
        )
        .unwrap();
    }

    fn udmabuf(&self, class: &str, name: &str, size: usize, physical: &str, mode: &str) {
        let folder = format!("sys/class/{class}/{name}");
        self.put(&format!("{folder}/size"), &format!("{size}\n"));
        self.put(&format!("{folder}/phys_addr"), &format!("{physical}\n"));
        self.put(&format!("{folder}/sync_mode"), &format!("{mode}\n"));
        for attribute in ["offset", "size", "direction", "for_cpu", "for_device"] {
            self.put(&format!("{folder}/sync_{attribute}"), "0\n");
        }
        fs::write(self.roots.dev.join(name), vec![0; size]).unwrap();
    }
}

/// What an error says, with the tree's own path left out; one line always.
fn said<T>(result: Result<T, Error>, tree: &Tree) -> String {
    let text = result.err().expect("an error").to_string();
    assert_eq!(text.lines().count(), 1, "{text}");
    text.replace(&tree.root.path().display().to_string(), "")
}

#[test]
fn uio_registers_are_found_by_name_and_mapped_at_their_region() {
    let tree = Tree::new();
    tree.uio(0, "other");
    tree.uio(3, "accel@a0000000");
    let device = Device::find(&tree.roots, "accel").unwrap();
    assert_eq!(
        (device.name(), device.node()),
        ("accel@a0000000", &*tree.roots.dev.join("uio3"))
    );
    let region = Region {
        index: 0,
        physical: 0xa000_0000,
        offset: 16,
        size: 256,
    };
    assert_eq!(device.region(0).unwrap(), region);
    let mut registers = Uio::open(&tree.roots, "accel", 0, 256).unwrap();
    registers.write(4, 0x1234_5678).unwrap();
    assert_eq!(registers.read(4).unwrap(), 0x1234_5678);
    assert!(registers.read(256).is_err());
    let bytes = fs::read(tree.roots.dev.join("uio3")).unwrap();
    assert_eq!(bytes[20..24], 0x1234_5678u32.to_le_bytes());
}

#[test]
fn reserved_memory_is_the_second_region_at_the_second_page() {
    let tree = Tree::new();
    tree.uio(0, "accel");
    let mut memory = Reserved::open(&tree.roots, "accel", 1, NEED).unwrap();
    assert_eq!((memory.size(), memory.physical()), (8192, 0x6000_0000));
    memory.write(3, b"tincy").unwrap();
    memory.sync_for_device(0..64, Direction::ToDevice).unwrap();
    memory.sync_for_cpu(0..64, Direction::FromDevice).unwrap();
    let mut back = [0; 5];
    memory.read(3, &mut back).unwrap();
    assert_eq!(&back, b"tincy");
    let bytes = fs::read(tree.roots.dev.join("uio0")).unwrap();
    assert_eq!(&bytes[PAGE + 3..PAGE + 8], b"tincy");
}

#[test]
fn what_is_wrong_with_uio_devices_is_said() {
    let tree = Tree::new();
    let open = |name: &str| Uio::open(&tree.roots, name, 0, 256);
    assert_eq!(
        said(open("accel"), &tree),
        "no UIO device named accel: there are no UIO devices; load uio_pdrv_genirq with \
         of_id=generic-uio, and check `compatible` and `linux,uio-name` of its device-tree node"
    );
    tree.uio(0, "other");
    assert!(
        said(open("accel"), &tree).starts_with("no UIO device named accel: there are other; load")
    );
    tree.uio(1, "accel@a0000000");
    tree.uio(2, "accel@b0000000");
    assert_eq!(
        said(open("accel"), &tree),
        "no UIO device named accel: other, accel@a0000000, accel@b0000000 are so named; name it \
         with its unit address"
    );
    assert!(open("accel@b0000000").is_ok());
    assert_eq!(
        said(Uio::open(&tree.roots, "other", 0, 512), &tree),
        "/sys/class/uio/uio0/maps/map0/size: found \"0x100\", expected 0x200 bytes of registers at least"
    );
    assert_eq!(
        said(Uio::open(&tree.roots, "other", 2, 4), &tree),
        "no UIO region named map2 of other: the device has fewer; add it to `reg` of the device-tree node"
    );
    tree.put("sys/class/uio/uio0/maps/map0/size", "big\n");
    assert_eq!(
        said(open("other"), &tree),
        "/sys/class/uio/uio0/maps/map0/size: found \"big\", expected a number"
    );
    fs::remove_file(tree.roots.dev.join("uio2")).unwrap();
    assert_eq!(
        said(open("accel@b0000000"), &tree),
        "/dev/uio2: No such file or directory (os error 2); run as root, or give udev the rule \
         SUBSYSTEM==\"uio\", GROUP=\"tincy\", MODE=\"0660\""
    );
}

#[test]
fn reserved_memory_that_does_not_serve_is_refused() {
    let tree = Tree::new();
    tree.uio(0, "accel");
    let open = |need| Reserved::open(&tree.roots, "accel", 1, need);
    assert_eq!(
        said(
            open(Need {
                bytes: 8193,
                ..NEED
            }),
            &tree
        ),
        "map1 of accel: 8192 bytes, 8193 needed; give the node a `reg` entry of 0x2001 bytes in \
         reserved no-map memory below 0x80000000"
    );
    let error = said(
        open(Need {
            below: 0x6000_1000,
            ..NEED
        }),
        &tree,
    );
    assert!(error.contains("it ends at 0x60002000, the device reaches addresses below 0x60001000"));
}

#[test]
fn u_dma_buf_is_mapped_and_synchronised_by_range() {
    for class in ["u-dma-buf", "udmabuf"] {
        let tree = Tree::new();
        tree.udmabuf(class, "udmabuf0", 16384, "0x000000007ad00000", "1");
        let mut memory = Udmabuf::open(&tree.roots, "udmabuf0", NEED).unwrap();
        assert_eq!((memory.size(), memory.physical()), (16384, 0x7ad0_0000));
        memory.write(100, b"codes").unwrap();
        let mut back = [0; 5];
        memory.read(100, &mut back).unwrap();
        assert_eq!(&back, b"codes");
        let bytes = fs::read(tree.roots.dev.join("udmabuf0")).unwrap();
        assert_eq!(&bytes[100..105], b"codes");
        let attribute = |name: &str| tree.line(&format!("sys/class/{class}/udmabuf0/sync_{name}"));
        memory
            .sync_for_device(64..192, Direction::ToDevice)
            .unwrap();
        assert_eq!(
            ["offset", "size", "direction"].map(attribute),
            ["0x40", "128", "1"]
        );
        assert_eq!(["for_device", "for_cpu"].map(attribute), ["1", "0"]);
        memory
            .sync_for_cpu(4096..16384, Direction::FromDevice)
            .unwrap();
        assert_eq!(
            ["offset", "size", "direction"].map(attribute),
            ["0x1000", "12288", "2"]
        );
        assert_eq!(attribute("for_cpu"), "1");
        assert_eq!(
            said(memory.sync_for_cpu(0..16448, Direction::FromDevice), &tree),
            "udmabuf0: bytes 0 to 16448 of 16384: a range inside expected"
        );
        assert!(memory.sync_for_device(1..64, Direction::ToDevice).is_err());
    }
}

#[test]
fn what_is_wrong_with_u_dma_buf_is_said() {
    let tree = Tree::new();
    let open = || Udmabuf::open(&tree.roots, "udmabuf0", NEED);
    let remedy = "load the module with `modprobe u-dma-buf udmabuf0=8192`, and boot with \
                  cma=128M@0-0x80000000 if the kernel log says that dma_alloc_coherent() failed";
    assert_eq!(
        said(open(), &tree),
        format!("no u-dma-buf buffer named udmabuf0: the module u-dma-buf is not loaded; {remedy}")
    );
    tree.udmabuf("u-dma-buf", "other", 64, "0x0", "1");
    assert!(said(open(), &tree).contains("there are other; "));
    tree.udmabuf("u-dma-buf", "udmabuf0", 4096, "0x7ad00000", "1");
    assert_eq!(
        said(open(), &tree),
        format!("udmabuf0: 4096 bytes, 8192 needed; {remedy}")
    );
    tree.udmabuf("u-dma-buf", "udmabuf0", 8192, "0x7ffff000", "1");
    assert_eq!(
        said(open(), &tree),
        format!(
            "udmabuf0: it ends at 0x80001000, the device reaches addresses below 0x80000000; {remedy}"
        )
    );
    tree.udmabuf("u-dma-buf", "udmabuf0", 8192, "0x7ad00020", "1");
    assert!(said(open(), &tree).contains("it begins at 0x7ad00020, not on a cache line"));
    tree.udmabuf("u-dma-buf", "udmabuf0", 8192, "0x7ad00000", "5");
    assert_eq!(
        said(open(), &tree),
        "/sys/class/u-dma-buf/udmabuf0/sync_mode: found \"5\", expected a cached mode, 0 to 3; write 1 to it"
    );
    tree.udmabuf("u-dma-buf", "udmabuf0", 8192, "0x7ad00000", "1");
    fs::remove_file(
        tree.root
            .path()
            .join("sys/class/u-dma-buf/udmabuf0/sync_for_cpu"),
    )
    .unwrap();
    assert_eq!(
        said(open(), &tree),
        "/sys/class/u-dma-buf/udmabuf0/sync_for_cpu: No such file or directory (os error 2); run \
         as root, or give udev rules for SUBSYSTEM==\"u-dma-buf\""
    );
    fs::remove_file(tree.roots.dev.join("udmabuf0")).unwrap();
    assert!(said(open(), &tree).starts_with("/dev/udmabuf0: No such file"));
}

#[test]
fn the_machine_that_this_runs_on_is_left_alone() {
    // Whatever is here, a device of this name is not.
    let name = "tincy-no-such-device";
    assert!(Uio::open(&Roots::default(), name, 0, 4).is_err());
    assert!(Udmabuf::open(&Roots::default(), name, NEED).is_err());
    assert_eq!(Roots::default().dev, Path::new("/dev"));
}
