//! Writes the seeds that are no text: `seeds FOLDER SHARED`, a folder a target. From `SHARED` small
//! files are copied, where it is there.

mod models;
mod onnx;
mod recordings;

use std::path::Path;

/// The largest file that is copied, in bytes.
const MOST: u64 = 32 << 10;

/// Folders of `SHARED` with files for a target, by their endings.
const COPIED: [(&str, &str, &[&str]); 5] = [
    (
        "picture",
        "pictures-odd",
        &[
            "jpg", "png", "gif", "webp", "bmp", "ppm", "pgm", "tif", "tiff", "tga",
        ],
    ),
    ("mjpeg", "pictures-odd", &["jpg"]),
    ("y4m", "recordings-odd", &["y4m"]),
    ("avi", "recordings-odd", &["avi"]),
    ("cfg", "darknet-models", &["cfg"]),
];

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(to), Some(shared)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: seeds FOLDER SHARED");
        std::process::exit(2);
    };
    let (to, shared) = (Path::new(&to), Path::new(&shared));
    let put = |target: &str, name: &str, bytes: &[u8]| {
        let folder = to.join(target);
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join(name), bytes)
    };
    let seeds = [onnx::seeds(), models::seeds(), recordings::seeds()];
    for (target, name, bytes) in seeds.into_iter().flatten() {
        put(target, name, &bytes)?;
    }
    for (target, folder, endings) in COPIED {
        for entry in std::fs::read_dir(shared.join(folder)).into_iter().flatten() {
            let path = entry?.path();
            let fits = |e: &std::ffi::OsStr| endings.iter().any(|ending| e == *ending);
            let small = path.metadata().is_ok_and(|file| file.len() <= MOST);
            if small && path.extension().is_some_and(fits) {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                put(target, &name, &std::fs::read(&path)?)?;
            }
        }
    }
    Ok(())
}

/// A target, the name of a seed, its bytes.
type Seed = (&'static str, &'static str, Vec<u8>);
