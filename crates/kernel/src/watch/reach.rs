//! Opening files of a watched folder: below it and nowhere else, whatever was put in a path's way between looking and
//! opening. Also whether a folder's file system tells of changes at all.

use super::scan::{Seen, seen, whole};
use hearth_domain::BlobHash;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

/// Opens a file below a folder; no part of its path may be a link.
pub(crate) fn open_below(root: &Path, path: &str) -> Result<File> {
    if path.split('/').any(|part| part.is_empty() || part == "." || part == ".." || part.contains('\\')) && !cfg!(unix)
    {
        return Err(Error::new(ErrorKind::InvalidInput, "not a path below the folder"));
    }
    let file = open(root, path)?;
    if !file.metadata()?.is_file() {
        return Err(Error::new(ErrorKind::InvalidInput, "not a file"));
    }
    Ok(file)
}

#[cfg(target_os = "linux")]
fn open(root: &Path, path: &str) -> Result<File> {
    use rustix::fs::{Mode, OFlags, ResolveFlags};
    let folder = File::open(root)?;
    // A named pipe would wait for its other end.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOFOLLOW;
    let how = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match rustix::fs::openat2(&folder, path, flags, Mode::empty(), how) {
        Ok(file) => Ok(File::from(file)),
        Err(rustix::io::Errno::NOSYS) => checked(root, path),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn open(root: &Path, path: &str) -> Result<File> {
    checked(root, path)
}

fn checked(root: &Path, path: &str) -> Result<File> {
    let wanted = whole(root, path);
    let real = wanted.canonicalize()?;
    if real != wanted || !real.starts_with(root) {
        return Err(Error::new(ErrorKind::InvalidInput, "a link leads elsewhere"));
    }
    File::open(real)
}

/// The whole of a file below a folder, at most `most` bytes.
pub(crate) fn read_below(root: &Path, path: &str, most: u64) -> Result<Vec<u8>> {
    let file = open_below(root, path)?;
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(Error::from(ErrorKind::FileTooLarge)) } else { Ok(bytes) }
}

/// The hash of a file below a folder, and the file as it lay there when that was finished.
pub(crate) fn hash_below(root: &Path, path: &str) -> Result<(BlobHash, Seen)> {
    let mut file = open_below(root, path)?;
    let mut hasher = Sha256::new();
    let mut piece = vec![0; 256 << 10];
    loop {
        match file.read(&mut piece)? {
            0 => break,
            n => hasher.update(piece.get(..n).unwrap_or_default()),
        }
    }
    Ok((BlobHash(hasher.finalize().into()), seen(&file.metadata()?)))
}

/// Whether the file system of a folder tells of every change: those of other machines do not.
pub(crate) fn tells(root: &Path) -> bool {
    #[cfg(target_os = "linux")]
    {
        // NFS, SMB, CIFS, SMB2, 9P, FUSE, AFS, Coda, Ceph, NCP: linux/magic.h.
        const ELSEWHERE: [u64; 10] = [
            0x6969,
            0x517b,
            0xff53_4d42,
            0xfe53_4d42,
            0x0102_1997,
            0x6573_5546,
            0x5346_414f,
            0x7375_7245,
            0x00c3_6400,
            0x564c,
        ];
        rustix::fs::statfs(root).is_ok_and(|stat| !ELSEWHERE.contains(&(stat.f_type as u64 & 0xffff_ffff)))
    }
    #[cfg(target_os = "macos")]
    {
        const LOCAL: u32 = 0x1000;
        rustix::fs::statfs(root).is_ok_and(|stat| stat.f_flags as u32 & LOCAL != 0)
    }
    #[cfg(not(any(target_os = "linux", target_os = "macos")))]
    {
        use std::path::{Component, Prefix};
        !root.components().any(|part| {
            matches!(part, Component::Prefix(prefix) if matches!(prefix.kind(), Prefix::UNC(..) | Prefix::VerbatimUNC(..)))
        })
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_link_on_the_way_is_never_followed() {
        let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let root = root.path().canonicalize().unwrap();
        std::fs::write(outside.path().join("secret.txt"), "s").unwrap();
        std::fs::create_dir(root.join("in")).unwrap();
        std::fs::write(root.join("in/a.txt"), "abc").unwrap();
        std::os::unix::fs::symlink(outside.path(), root.join("out")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret.txt"), root.join("s.txt")).unwrap();
        assert_eq!(read_below(&root, "in/a.txt", 3).unwrap(), b"abc");
        assert!(read_below(&root, "in/a.txt", 2).is_err(), "larger than allowed");
        for path in ["out/secret.txt", "s.txt", "../x", "in/../../x", "in", "/etc/hostname"] {
            assert!(open_below(&root, path).is_err(), "{path}");
        }
        assert!(checked(&root, "out/secret.txt").is_err() && checked(&root, "s.txt").is_err());
        assert!(checked(&root, "in/a.txt").is_ok() && checked(&root, "../x").is_err());
        let (hash, seen) = hash_below(&root, "in/a.txt").unwrap();
        assert_eq!((hash, seen.size_bytes), (crate::import::hash(b"abc"), 3));
    }
}
