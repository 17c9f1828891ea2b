//! Boards: which device a board has, by the names that its device tree gives.

use serde::Deserialize;

/// The registers of the Zynq UltraScale+ that clock the logic and set the widths of its ports.
pub const ZYNQMP_REGISTERS: &str = include_str!("../ps/zynqmp.json");

const TABLE: &str = include_str!("../boards.json");

/// A board.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Board {
    /// For people.
    pub name: String,
    /// Name of its device, as in [`device::known`](crate::device::known).
    pub device: String,
    /// `compatible` of its device tree, without the revision.
    pub compatible: Vec<String>,
}

/// The boards that are known.
pub fn known() -> Vec<Board> {
    serde_json::from_str(TABLE).expect("the built-in table is read by a test")
}

/// The board of a device tree's `compatible`, whose first name says the most.
pub fn find<'a>(boards: &'a [Board], compatible: &[String]) -> Option<&'a Board> {
    let named = |name: &String| boards.iter().find(|board| board.is(name));
    compatible.iter().find_map(named)
}

impl Board {
    /// Whether a name is this board's, with or without a revision behind it.
    fn is(&self, name: &str) -> bool {
        let revision = |own: &String| name.strip_prefix(own.as_str());
        let mut behind = self.compatible.iter().filter_map(revision);
        behind.any(|rest| rest.is_empty() || rest.starts_with('-'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device;

    #[test]
    fn every_board_has_a_known_device_with_idcodes() {
        for board in known() {
            let devices = device::known();
            let device = device::find(&devices, &board.device).expect(&board.name);
            assert!(device.idcodes.is_some(), "{}", board.name);
        }
    }

    #[test]
    fn boards_are_found_by_their_most_special_name() {
        let boards = known();
        let name = |compatible: &[&str]| {
            let compatible: Vec<String> = compatible.iter().map(ToString::to_string).collect();
            find(&boards, &compatible).map(|board| board.name.clone())
        };
        let ultra96 = [
            "avnet,ultra96-rev1",
            "avnet,ultra96",
            "xlnx,zynqmp-zcu100-revC",
            "xlnx,zynqmp",
        ];
        assert_eq!(name(&ultra96).as_deref(), Some("Ultra96"));
        let zcu104 = [
            "xlnx,zynqmp-zcu104-revC",
            "xlnx,zynqmp-zcu104",
            "xlnx,zynqmp",
        ];
        assert_eq!(name(&zcu104).as_deref(), Some("ZCU104"));
        let kria = [
            "xlnx,zynqmp-sk-kv260-rev1",
            "xlnx,zynqmp-sm-k26",
            "xlnx,zynqmp",
        ];
        assert_eq!(name(&kria).as_deref(), Some("KV260"));
        assert_eq!(name(&["xlnx,zynqmp-zcu1040", "xlnx,zynqmp"]), None);
        assert_eq!(name(&[]), None);
    }
}
