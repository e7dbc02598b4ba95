//! Lists the files of the dashboard, which the server embeds.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

#[expect(
    clippy::disallowed_methods,
    reason = "cargo tells a build script where to write in the environment"
)]
fn main() -> io::Result<()> {
    // Asked for when it runs: a build script that was compiled for another copy of the source would embed that one's.
    let here = std::env::var_os("CARGO_MANIFEST_DIR").ok_or(io::ErrorKind::NotFound)?;
    let folder = Path::new(&here).join("dashboard");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files = Vec::new();
    collect(&folder, &mut files)?;
    files.sort();
    let mut list = String::from("[\n");
    for file in &files {
        let name = file.strip_prefix(&folder).map_err(io::Error::other)?;
        let name = name.to_str().ok_or(io::ErrorKind::InvalidFilename)?;
        let file = file.to_str().ok_or(io::ErrorKind::InvalidFilename)?;
        // Writing to a String cannot fail.
        let _ = writeln!(list, "    ({name:?}, include_bytes!({file:?}).as_slice()),");
    }
    list.push_str("]\n");
    let out = std::env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?;
    std::fs::write(PathBuf::from(out).join("dashboard.rs"), list)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}
