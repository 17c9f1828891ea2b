//! Where displays can be plugged in, as `/sys/class/drm` shows it; nothing is opened.

use crate::{Result, Roots, sysfs};
use serde::Serialize;
use std::path::Path;

/// A connector of a graphics card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Connector {
    /// Its card: `card0`.
    pub card: String,
    /// The card's driver, if it has one.
    pub driver: Option<String>,
    /// Its name: `HDMI-A-1`.
    pub name: String,
    /// `connected`, `disconnected` or `unknown`.
    pub status: String,
    /// Sizes that the display takes, the preferred one first, each once.
    pub modes: Vec<String>,
}

impl Connector {
    /// Whether a display is there.
    pub fn is_connected(&self) -> bool {
        self.status == "connected"
    }

    /// All of them, by card and name.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn all(roots: &Roots) -> Result<Vec<Connector>> {
        let folders = sysfs::devices(&roots.sys.join("class/drm"))?;
        let connectors = folders.iter().filter_map(|folder| {
            let name = sysfs::name(folder);
            let (card, name) = name.split_once('-')?;
            card.starts_with("card").then(|| read(folder, card, name))
        });
        connectors.collect()
    }
}

fn read(folder: &Path, card: &str, name: &str) -> Result<Connector> {
    let driver = folder.with_file_name(card).join("device/driver");
    let driver = std::fs::read_link(driver).ok();
    let mut modes: Vec<String> = Vec::new();
    // One line a rate; the sizes matter here.
    for mode in sysfs::text(&folder.join("modes"))?.lines() {
        if !modes.iter().any(|known| known == mode) {
            modes.push(mode.to_string());
        }
    }
    Ok(Connector {
        card: card.into(),
        driver: driver.map(|link| sysfs::name(&link)),
        name: name.into(),
        status: sysfs::text(&folder.join("status"))?,
        modes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn connectors_are_read_from_sysfs() {
        let root = tempfile::tempdir().unwrap();
        let roots = Roots::under(root.path());
        assert_eq!(Connector::all(&roots).unwrap(), []);
        let class = roots.sys.join("class/drm");
        let put = |path: &str, text: &str| {
            let path = class.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put("version", "drm 1.1.0 20060810\n");
        put("renderD128/dev", "226:128\n");
        put("card0/dev", "226:0\n");
        put("card0-HDMI-A-1/status", "connected\n");
        put(
            "card0-HDMI-A-1/modes",
            "1920x1080\n1920x1080\n1280x720\n1920x1080\n",
        );
        put("card0-DP-1/status", "disconnected\n");
        put("card0-DP-1/modes", "");
        fs::create_dir_all(class.join("card0/device")).unwrap();
        let driver = class.join("card0/device/driver");
        std::os::unix::fs::symlink("../../../bus/platform/drivers/zynqmp-dpsub", driver).unwrap();
        let connector = |name: &str, status: &str, modes: &[&str]| Connector {
            card: "card0".into(),
            driver: Some("zynqmp-dpsub".into()),
            name: name.into(),
            status: status.into(),
            modes: modes.iter().map(|mode| mode.to_string()).collect(),
        };
        let all = Connector::all(&roots).unwrap();
        let expected = [
            connector("DP-1", "disconnected", &[]),
            connector("HDMI-A-1", "connected", &["1920x1080", "1280x720"]),
        ];
        assert_eq!(all, expected);
        assert!(all[1].is_connected() && !all[0].is_connected());
        fs::remove_file(class.join("card0-DP-1/status")).unwrap();
        assert!(Connector::all(&roots).is_err());
    }
}
