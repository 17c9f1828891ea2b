//! Cameras and displays that the kernel has, by name only: nothing is opened.

use crate::{Result, Roots, sysfs};

/// A video node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Video {
    /// Its node, like `video0`.
    pub node: String,
    /// What it calls itself.
    pub name: String,
}

/// A display's connector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connector {
    /// Card and connector, like `card0-DP-1`.
    pub name: String,
    /// `connected` or not.
    pub status: String,
}

/// The video nodes, cameras among them.
///
/// # Errors
/// If they cannot be listed.
pub fn videos(roots: &Roots) -> Result<Vec<Video>> {
    let folders = sysfs::devices(&roots.sys.join("class/video4linux"))?;
    let videos = folders.iter().map(|folder| Video {
        node: sysfs::name(folder),
        name: sysfs::optional(&folder.join("name")).unwrap_or_default(),
    });
    Ok(videos
        .filter(|video| video.node.starts_with("video"))
        .collect())
}

/// The connectors of all DRM cards.
///
/// # Errors
/// If they cannot be listed.
pub fn connectors(roots: &Roots) -> Result<Vec<Connector>> {
    let folders = sysfs::devices(&roots.sys.join("class/drm"))?;
    let connectors = folders.iter().filter_map(|folder| {
        Some(Connector {
            name: sysfs::name(folder),
            status: sysfs::optional(&folder.join("status"))?,
        })
    });
    Ok(connectors.collect())
}
