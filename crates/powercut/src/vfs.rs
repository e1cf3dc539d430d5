//! The shim between SQLite and our disks: functions that SQLite calls with raw pointers, each of which takes them apart
//! and calls a [`Disk`]. Nothing is decided here.
#![allow(
    unsafe_code,
    reason = "SQLite asks for a table of C functions, and there is no other way to be its disk"
)]
#![expect(
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "C counts in signed numbers, and none of these is negative or too large"
)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::Path;
use std::ptr;
use std::sync::atomic::{Ordering, fence};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use rusqlite::ffi::{self, sqlite3_file, sqlite3_vfs};

use crate::disk::{Disk, Durable, IfMissing, Level, Part, SHARED_LOCKS, Trouble, Wish};

/// What SQLite knows us by.
pub const VFS: &str = "powercut";
const C_NAME: &CStr = c"powercut";
/// The longest path, in bytes.
const LONGEST_PATH: c_int = 1024;
/// What SQLite takes for the unit of a disk when its own system says nothing else, in bytes.
const UNIT: c_int = 4096;
/// As for SQLite on Linux: no write harms the bytes beside it, and a part of a page may be read.
const CHARACTER: c_int = ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE | ffi::SQLITE_IOCAP_SUBPAGE_READ;
/// The longest that a connection sleeps before it looks at a lock again. SQLite asks for more, for other processes' sake.
const LONGEST_SLEEP: Duration = Duration::from_millis(1);
/// What SQLite is told that the time is, in milliseconds since noon, 24 November 4714 BC.
const NOON: i64 = 212_000_000_000_000;

/// Makes SQLite know us. Can be called often.
///
/// # Panics
/// If SQLite has no memory left.
pub fn register() {
    static REGISTERED: LazyLock<c_int> = LazyLock::new(|| {
        let vfs = Box::leak(Box::new(table()));
        // SAFETY: the table is valid, and stays where it is for ever.
        unsafe { ffi::sqlite3_vfs_register(vfs, 0) }
    });
    assert_eq!(*REGISTERED, ffi::SQLITE_OK, "SQLite does not take the table");
}

/// An open file, as SQLite keeps it for us: in memory of its own, beginning with what it knows of any file.
#[repr(C)]
struct Open {
    base: sqlite3_file,
    file: *mut File,
}

struct File {
    disk: Arc<Disk>,
    handle: u64,
}

fn table() -> sqlite3_vfs {
    sqlite3_vfs {
        iVersion: 2,
        szOsFile: size_of::<Open>() as c_int,
        mxPathname: LONGEST_PATH,
        pNext: ptr::null_mut(),
        zName: C_NAME.as_ptr(),
        pAppData: ptr::null_mut(),
        xOpen: Some(open),
        xDelete: Some(delete),
        xAccess: Some(access),
        xFullPathname: Some(full_path),
        // No extension is ever loaded from here.
        xDlOpen: None,
        xDlError: None,
        xDlSym: None,
        xDlClose: None,
        xRandomness: Some(randomness),
        xSleep: Some(sleep),
        xCurrentTime: Some(time_in_days),
        xGetLastError: None,
        xCurrentTimeInt64: Some(time),
        xSetSystemCall: None,
        xGetSystemCall: None,
        xNextSystemCall: None,
    }
}

/// Without memory-mapped reading.
static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(map),
    xShmLock: Some(lock_memory),
    xShmBarrier: Some(barrier),
    xShmUnmap: Some(unmap),
    xFetch: None,
    xUnfetch: None,
};

/// What SQLite calls it, for a call that is `failed` when it fails.
fn code(outcome: Result<(), Trouble>, failed: c_int) -> c_int {
    match outcome {
        Ok(()) => ffi::SQLITE_OK,
        Err(Trouble::Failed) => failed,
        Err(Trouble::Full) => ffi::SQLITE_FULL,
        Err(Trouble::Busy) => ffi::SQLITE_BUSY,
        Err(Trouble::Missing) => ffi::SQLITE_IOERR_DELETE_NOENT,
    }
}

fn part(path: &str) -> Part {
    match Path::new(path).extension().and_then(|extension| extension.to_str()) {
        Some("db") => Part::Database,
        Some("db-wal") => Part::Log,
        _ => Part::Journal,
    }
}

/// A path that SQLite passes. `None` for a nameless file, or a name that is not ours.
///
/// # Safety
/// `path` is null, or ends with a zero byte and stays as it is for `'a`.
unsafe fn text<'a>(path: *const c_char) -> Option<&'a str> {
    if path.is_null() {
        return None;
    }
    // SAFETY: the caller says so.
    unsafe { CStr::from_ptr(path) }.to_str().ok()
}

/// The file behind what SQLite keeps for us.
///
/// # Safety
/// `open` was opened by [`open`] and is not closed before `'a` ends.
unsafe fn file<'a>(open: *mut sqlite3_file) -> &'a File {
    // SAFETY: `open` begins an `Open` whose `file` came from a box, and nobody has more than a shared reference to it.
    unsafe { &*(*open.cast::<Open>()).file }
}

unsafe extern "C" fn open(
    _: *mut sqlite3_vfs,
    path: *const c_char,
    open: *mut sqlite3_file,
    flags: c_int,
    flags_out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite passes room for an `Open`. Without methods it will not close what has not been opened.
    unsafe { (*open).pMethods = ptr::null() };
    // SAFETY: SQLite passes a path that outlives the call, or null for a temporary file, of which nothing here has need.
    let Some(path) = (unsafe { text(path) }) else { return ffi::SQLITE_CANTOPEN };
    let Some(disk) = Disk::of(Path::new(path)) else { return ffi::SQLITE_CANTOPEN };
    let if_missing =
        if flags & ffi::SQLITE_OPEN_CREATE == 0 { IfMissing::Leave } else { IfMissing::Make };
    let Ok(handle) = disk.open(path, part(path), if_missing) else { return ffi::SQLITE_CANTOPEN };
    if flags & ffi::SQLITE_OPEN_DELETEONCLOSE != 0 {
        disk.delete_on_close(handle, path);
    }
    let file = Box::into_raw(Box::new(File { disk, handle }));
    // SAFETY: there is room for it, as above.
    unsafe {
        open.cast::<Open>()
            .write(Open { base: sqlite3_file { pMethods: &raw const METHODS }, file })
    };
    // SAFETY: null, or a place for the flags.
    if let Some(out) = unsafe { flags_out.as_mut() } {
        *out = flags;
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn close(open: *mut sqlite3_file) -> c_int {
    // SAFETY: SQLite closes once what was opened, and `file` came from a box then.
    let file = unsafe { Box::from_raw((*open.cast::<Open>()).file) };
    file.disk.close(file.handle);
    ffi::SQLITE_OK
}

unsafe extern "C" fn delete(_: *mut sqlite3_vfs, path: *const c_char, sync: c_int) -> c_int {
    // SAFETY: SQLite passes a path that outlives the call.
    let Some(path) = (unsafe { text(path) }) else { return ffi::SQLITE_IOERR_DELETE };
    let Some(disk) = Disk::of(Path::new(path)) else { return ffi::SQLITE_IOERR_DELETE };
    let durable = if sync == 0 { Durable::Later } else { Durable::AtOnce };
    code(disk.delete(path, part(path), durable), ffi::SQLITE_IOERR_DELETE)
}

unsafe extern "C" fn access(
    _: *mut sqlite3_vfs,
    path: *const c_char,
    _: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite passes a path that outlives the call.
    let Some(path) = (unsafe { text(path) }) else { return ffi::SQLITE_IOERR_ACCESS };
    let Some(disk) = Disk::of(Path::new(path)) else { return ffi::SQLITE_IOERR_ACCESS };
    let there = disk.is_there(path, part(path));
    // SAFETY: a place for the answer.
    unsafe { *out = c_int::from(there == Ok(true)) };
    code(there.map(drop), ffi::SQLITE_IOERR_ACCESS)
}

unsafe extern "C" fn full_path(
    _: *mut sqlite3_vfs,
    path: *const c_char,
    length: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: SQLite passes a path that ends with a zero byte.
    let bytes = unsafe { CStr::from_ptr(path) }.to_bytes_with_nul();
    if bytes.len() > length as usize {
        return ffi::SQLITE_CANTOPEN;
    }
    // SAFETY: there is room for `length` bytes, and they are not where the path is.
    unsafe { ptr::copy_nonoverlapping(bytes.as_ptr().cast(), out, bytes.len()) };
    ffi::SQLITE_OK
}

/// Not asked for: SQLite draws from its default system.
unsafe extern "C" fn randomness(_: *mut sqlite3_vfs, length: c_int, out: *mut c_char) -> c_int {
    // SAFETY: there is room for `length` bytes.
    unsafe { out.write_bytes(0, length as usize) };
    length
}

#[expect(clippy::disallowed_methods, reason = "SQLite asks for it while somebody else has a lock")]
unsafe extern "C" fn sleep(_: *mut sqlite3_vfs, microseconds: c_int) -> c_int {
    let asked = Duration::from_micros(u64::from(microseconds.unsigned_abs()));
    std::thread::sleep(asked.min(LONGEST_SLEEP));
    microseconds
}

unsafe extern "C" fn time(_: *mut sqlite3_vfs, out: *mut i64) -> c_int {
    // SAFETY: a place for the answer.
    unsafe { *out = NOON };
    ffi::SQLITE_OK
}

unsafe extern "C" fn time_in_days(_: *mut sqlite3_vfs, out: *mut f64) -> c_int {
    // SAFETY: a place for the answer.
    unsafe { *out = NOON as f64 / 86_400_000.0 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(
    open: *mut sqlite3_file,
    out: *mut c_void,
    length: c_int,
    at: i64,
) -> c_int {
    // SAFETY: an open file, and room for `length` bytes.
    let (file, out) =
        unsafe { (file(open), std::slice::from_raw_parts_mut(out.cast::<u8>(), length as usize)) };
    match file.disk.read(file.handle, at as usize, out) {
        Ok(there) if there == out.len() => ffi::SQLITE_OK,
        Ok(there) => {
            out[there..].fill(0);
            ffi::SQLITE_IOERR_SHORT_READ
        }
        Err(trouble) => code(Err(trouble), ffi::SQLITE_IOERR_READ),
    }
}

unsafe extern "C" fn write(
    open: *mut sqlite3_file,
    bytes: *const c_void,
    length: c_int,
    at: i64,
) -> c_int {
    // SAFETY: an open file, and `length` bytes.
    let (file, bytes) =
        unsafe { (file(open), std::slice::from_raw_parts(bytes.cast::<u8>(), length as usize)) };
    code(file.disk.write(file.handle, at as usize, bytes), ffi::SQLITE_IOERR_WRITE)
}

unsafe extern "C" fn truncate(open: *mut sqlite3_file, length: i64) -> c_int {
    // SAFETY: an open file.
    let file = unsafe { file(open) };
    code(file.disk.truncate(file.handle, length as usize), ffi::SQLITE_IOERR_TRUNCATE)
}

unsafe extern "C" fn sync(open: *mut sqlite3_file, _: c_int) -> c_int {
    // SAFETY: an open file.
    let file = unsafe { file(open) };
    code(file.disk.sync(file.handle), ffi::SQLITE_IOERR_FSYNC)
}

unsafe extern "C" fn size(open: *mut sqlite3_file, out: *mut i64) -> c_int {
    // SAFETY: an open file, and a place for the answer.
    let (file, out) = unsafe { (file(open), &mut *out) };
    let size = file.disk.size(file.handle).map(|size| *out = size as i64);
    code(size, ffi::SQLITE_IOERR_FSTAT)
}

unsafe extern "C" fn lock(open: *mut sqlite3_file, wanted: c_int) -> c_int {
    // SAFETY: an open file.
    let file = unsafe { file(open) };
    code(file.disk.lock(file.handle, level(wanted)), ffi::SQLITE_IOERR_LOCK)
}

unsafe extern "C" fn unlock(open: *mut sqlite3_file, wanted: c_int) -> c_int {
    // SAFETY: an open file.
    let file = unsafe { file(open) };
    file.disk.unlock(file.handle, level(wanted));
    ffi::SQLITE_OK
}

unsafe extern "C" fn check_reserved_lock(open: *mut sqlite3_file, out: *mut c_int) -> c_int {
    // SAFETY: an open file, and a place for the answer.
    let (file, out) = unsafe { (file(open), &mut *out) };
    let reserved = file.disk.is_reserved(file.handle).map(|reserved| *out = c_int::from(reserved));
    code(reserved, ffi::SQLITE_IOERR_CHECKRESERVEDLOCK)
}

/// We know of nothing beyond the rest of this table.
unsafe extern "C" fn control(_: *mut sqlite3_file, _: c_int, _: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn sector_size(_: *mut sqlite3_file) -> c_int {
    UNIT
}

unsafe extern "C" fn characteristics(_: *mut sqlite3_file) -> c_int {
    CHARACTER
}

unsafe extern "C" fn map(
    open: *mut sqlite3_file,
    region: c_int,
    _: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    // SAFETY: an open file, and a place for the answer.
    let (file, out) = unsafe { (file(open), &mut *out) };
    *out = ptr::null_mut();
    let if_missing = if extend == 0 { IfMissing::Leave } else { IfMissing::Make };
    let mapped = file.disk.map(file.handle, region as usize, if_missing);
    let mapped = mapped.map(|place| *out = place.map_or(ptr::null_mut(), <*mut u64>::cast));
    match mapped {
        Err(Trouble::Full) => ffi::SQLITE_IOERR_SHMSIZE,
        outcome => code(outcome, ffi::SQLITE_IOERR_SHMMAP),
    }
}

unsafe extern "C" fn lock_memory(
    open: *mut sqlite3_file,
    first: c_int,
    count: c_int,
    flags: c_int,
) -> c_int {
    // SAFETY: an open file.
    let file = unsafe { file(open) };
    let wish = match (flags & ffi::SQLITE_SHM_UNLOCK, flags & ffi::SQLITE_SHM_SHARED) {
        (0, 0) => Wish::Own,
        (0, _) => Wish::Share,
        _ => Wish::Release,
    };
    let bits = (first..first + count).filter(|&bit| (bit as usize) < SHARED_LOCKS);
    let locks = bits.fold(0, |locks, bit| locks | 1 << bit);
    code(file.disk.lock_memory(file.handle, locks, wish), ffi::SQLITE_IOERR_SHMLOCK)
}

unsafe extern "C" fn barrier(_: *mut sqlite3_file) {
    fence(Ordering::SeqCst);
}

unsafe extern "C" fn unmap(open: *mut sqlite3_file, _: c_int) -> c_int {
    // SAFETY: an open file.
    let file = unsafe { file(open) };
    file.disk.unmap(file.handle);
    ffi::SQLITE_OK
}

fn level(number: c_int) -> Level {
    match number {
        ffi::SQLITE_LOCK_NONE => Level::None,
        ffi::SQLITE_LOCK_SHARED => Level::Shared,
        ffi::SQLITE_LOCK_RESERVED => Level::Reserved,
        ffi::SQLITE_LOCK_PENDING => Level::Pending,
        _ => Level::Exclusive,
    }
}
