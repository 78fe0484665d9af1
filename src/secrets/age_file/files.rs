//! The two files of a path, below one directory, under one lock. No name leads out of the directory, and no link does.

use rustix::fs::Access;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Where they lie.
pub(super) struct Files {
    root: PathBuf,
    /// The folders between the root and the files.
    folders: Vec<String>,
    name: String,
}

/// Nobody else works on the directory's files while this lives.
pub(super) struct Lock {
    _file: File,
}

/// Largest file that is read.
const LARGEST: u64 = 1 << 16;

impl Files {
    /// The path must have been checked.
    pub(super) fn at(root: &Path, path: &str) -> Self {
        let mut folders: Vec<String> = path.split('/').map(str::to_owned).collect();
        let name = folders.pop().unwrap_or_default();
        Self {
            root: root.to_owned(),
            folders,
            name,
        }
    }

    /// Waits for the lock of the directory, which must be there.
    pub(super) fn lock(&self) -> io::Result<Lock> {
        let file = open_new(&self.lock_file())?;
        file.lock()?;
        Ok(Lock { _file: file })
    }

    fn lock_file(&self) -> PathBuf {
        self.root.join(".lock")
    }

    /// Whether the files could be written, as the system tells it: nothing is made for it, not even the lock. What only
    /// a write shows, a full disk, shows then.
    pub(super) fn check(&self) -> io::Result<()> {
        let lock = self.lock_file();
        if lock.try_exists()? {
            rustix::fs::access(&lock, Access::WRITE_OK)?;
        }
        let mut depth = 0;
        while depth < self.folders.len() && real(&self.folder(depth + 1))?.is_some() {
            depth += 1;
        }
        let folder = self.folder(depth);
        if !fs::metadata(&folder)?.is_dir() {
            return Err(ErrorKind::NotADirectory.into());
        }
        rustix::fs::access(&folder, Access::WRITE_OK | Access::EXEC_OK)?;
        for ending in ["age", "json"] {
            self.metadata(&self.file(ending))?;
        }
        Ok(())
    }

    pub(super) fn has_value(&self) -> io::Result<bool> {
        Ok(self.metadata(&self.file("age"))?.is_some())
    }

    pub(super) fn read_beside(&self) -> io::Result<Option<Vec<u8>>> {
        let path = self.file("json");
        if self.metadata(&path)?.is_none() {
            return Ok(None);
        }
        let mut text = Vec::new();
        File::open(path)?.take(LARGEST).read_to_end(&mut text)?;
        Ok(Some(text))
    }

    pub(super) fn write_beside(&self, content: &[u8]) -> io::Result<()> {
        self.write("json", content)
    }

    pub(super) fn write_value(&self, content: &[u8]) -> io::Result<()> {
        self.write("age", content)
    }

    /// The value first: what is known about it is no use without it. Folders that are empty then go too.
    pub(super) fn remove(&self) -> io::Result<()> {
        for ending in ["age", "json"] {
            let path = self.file(ending);
            if self.metadata(&path)?.is_some() {
                fs::remove_file(path)?;
            }
        }
        for depth in (1..=self.folders.len()).rev() {
            if fs::remove_dir(self.folder(depth)).is_err() {
                break;
            }
        }
        Ok(())
    }

    fn folder(&self, depth: usize) -> PathBuf {
        let mut folder = self.root.clone();
        folder.extend(&self.folders[..depth]);
        folder
    }

    fn file(&self, ending: &str) -> PathBuf {
        let folder = self.folder(self.folders.len());
        folder.join(format!("{}.{ending}", self.name))
    }

    /// What lies there, if anything does. A link, to a file or on the way to it, is refused.
    fn metadata(&self, file: &Path) -> io::Result<Option<fs::Metadata>> {
        for depth in 1..=self.folders.len() {
            match real(&self.folder(depth))? {
                Some(found) if !found.is_dir() => return Err(ErrorKind::NotADirectory.into()),
                Some(_) => {}
                None => return Ok(None),
            }
        }
        match real(file)? {
            Some(found) if !found.is_file() => Err(ErrorKind::IsADirectory.into()),
            found => Ok(found),
        }
    }

    /// Written aside, synced, renamed into place, and the folder synced.
    fn write(&self, ending: &str, content: &[u8]) -> io::Result<()> {
        for depth in 1..=self.folders.len() {
            let folder = self.folder(depth);
            match DirBuilder::new().mode(0o700).create(&folder) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
        let path = self.file(ending);
        self.metadata(&path)?;
        let aside = self.file(&format!("{ending}.new"));
        // What a crash left there is of no use to anybody.
        match fs::remove_file(&aside) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = open_new(&aside)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&aside, &path)?;
        File::open(self.folder(self.folders.len()))?.sync_all()
    }
}

/// What lies there itself, if anything does; a link is refused.
fn real(path: &Path) -> io::Result<Option<fs::Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => {
            let words = format!("{} is a link", path.display());
            Err(io::Error::new(ErrorKind::InvalidData, words))
        }
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A file for this user alone.
fn open_new(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}
