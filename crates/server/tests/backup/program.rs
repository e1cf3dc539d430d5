//! The commands as they are typed.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use rusqlite::Connection;
use tempfile::TempDir;

use crate::world::{World, names_in};

/// What a command says and ends with.
struct Ended {
    code: Option<i32>,
    said: String,
    complained: String,
}

fn parlor(arguments: &[&str], variables: &[(&str, &Path)]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parlor"));
    command.args(arguments).env_clear().envs(variables.iter().copied());
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: status.code(), said: text(stdout), complained: text(stderr) }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_made_checked_and_restored_beside_a_running_server() {
    let (world, folder) = (World::new().await, TempDir::new().unwrap());
    let (backup, restored) = (folder.path().join("backup.db"), folder.path().join("restored"));

    let ended = parlor(&["backup", text(&backup), "--data", text(world.data())], &[]);
    assert_eq!((ended.code, &*ended.complained), (Some(0), ""));
    let expected = format!("{} is a sound backup of 10 events in 2 rooms, 0.1 MB", text(&backup));
    assert!(ended.said.starts_with(&expected), "{}", ended.said);

    let ended = parlor(&["check", text(&backup)], &[("PARLOR_DATA", Path::new("nowhere"))]);
    assert_eq!((ended.code, &*ended.complained), (Some(0), ""));
    let expected = format!("{} with 10 events in 2 rooms is sound", text(&backup));
    assert!(ended.said.starts_with(&expected), "{}", ended.said);

    let ended = parlor(&["restore", text(&backup)], &[("PARLOR_DATA", &restored)]);
    assert_eq!((ended.code, &*ended.complained), (Some(0), ""));
    let ended = parlor(&["check"], &[("PARLOR_DATA", &restored)]);
    assert_eq!((ended.code, &*ended.complained), (Some(0), ""));
    assert!(ended.said.contains("with 10 events in 2 rooms is sound"), "{}", ended.said);
    assert_eq!(ended.said.lines().count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn problems_are_told_a_line_each_and_end_with_1() {
    let world = World::new().await;
    world.tamper("UPDATE rooms SET head = 12, participants = 7").await;
    let ended = parlor(&["check", "--data", text(world.data())], &[]);
    assert_eq!((ended.code, &*ended.complained), (Some(1), ""));
    let lines: Vec<_> = ended.said.lines().collect();
    assert_eq!(lines.len(), 5, "{}", ended.said);
    assert!(lines[4].contains("with 10 events in 2 rooms has 4 problems"), "{}", ended.said);
}

#[test]
fn what_cannot_be_done_is_said_in_one_sentence_and_ends_with_1() {
    let folder = TempDir::new().unwrap();
    let (nothing, to) = (folder.path().join("nothing"), folder.path().join("backup.db"));
    for arguments in [
        &["backup", text(&to), "--data", text(&nothing)][..],
        &["restore", text(&to), "--data", text(&nothing)],
        &["check", "--data", text(&nothing)],
        &["check", text(&to)],
    ] {
        let ended = parlor(arguments, &[]);
        assert_eq!((ended.code, &*ended.said), (Some(1), ""), "{arguments:?}");
        assert!(ended.complained.starts_with("There is no database"), "{}", ended.complained);
        assert_eq!(ended.complained.lines().count(), 1);
    }
    assert_eq!(names_in(folder.path()), Vec::<String>::new());
}

#[test]
fn the_manual_names_the_commands_and_how_to_serve_is_no_matter_of_theirs() {
    let manual = parlor(&["--help"], &[]).said;
    for command in ["backup", "restore", "check"] {
        assert!(manual.contains(&format!("\n  {command} ")), "{manual}");
        let own = parlor(&[command, "--help"], &[]).said;
        assert!(own.contains("--data <FOLDER>") && own.contains("PARLOR_DATA"), "{own}");
        assert!(!own.contains("--listen"), "{own}");
    }
    let ended = parlor(&["--listen", "127.0.0.1:0", "check"], &[]);
    assert_eq!(ended.code, Some(2), "{}", ended.complained);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_backup_leaves_nothing() {
    let (world, folder) = (World::new().await, TempDir::new().unwrap());
    // Enough for the backup to be still at it when it is interrupted.
    let db = Connection::open(world.database()).unwrap();
    db.execute_batch("CREATE TABLE ballast AS SELECT zeroblob(100000000)").unwrap();
    let to = folder.path().join("backup.db");
    let mut backup = Command::new(env!("CARGO_BIN_EXE_parlor"))
        .args(["backup", text(&to), "--data", text(world.data())])
        .env_clear()
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while names_in(folder.path()).is_empty() {
        tokio::task::yield_now().await;
    }
    interrupt(&backup);

    assert_eq!(backup.wait().unwrap().code(), Some(1));
    assert_eq!(names_in(folder.path()), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_interrupted_before_beginning_leaves_what_another_has_begun() {
    let (world, folder) = (World::new().await, TempDir::new().unwrap());
    let (data, to) = (folder.path().join("data"), folder.path().join("to"));
    for folder in [&data, &to] {
        std::fs::create_dir(folder).unwrap();
    }
    let (source, backup) = (data.join("parlor.db"), to.join("backup.db"));
    server::store::back_up(world.data(), &source, &mut |_| {}).unwrap();
    let lock = Connection::open(&source).unwrap();
    lock.execute_batch("BEGIN EXCLUSIVE").unwrap();
    for (arguments, half) in [
        (["backup", text(&backup), "--data", text(&data)], "backup.db.unfinished"),
        (["restore", text(&source), "--data", text(&to)], "parlor.db.unfinished"),
    ] {
        std::fs::write(to.join(half), "half").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_parlor"));
        let mut waiting =
            command.args(arguments).env_clear().stderr(Stdio::null()).spawn().unwrap();
        // It has the source open, and waits for it to be unlocked.
        while !opens(waiting.id(), &source) {
            tokio::task::yield_now().await;
        }
        interrupt(&waiting);

        assert_eq!(waiting.wait().unwrap().code(), Some(1));
        assert_eq!(names_in(&to), [half]);
        std::fs::remove_file(to.join(half)).unwrap();
    }
}

/// Whether a process has a file open.
fn opens(process: u32, file: &Path) -> bool {
    let open = std::fs::read_dir(format!("/proc/{process}/fd")).unwrap();
    open.flatten().any(|entry| std::fs::read_link(entry.path()).is_ok_and(|path| path == file))
}

fn interrupt(process: &Child) {
    let kill = Command::new("kill").args(["-INT", &process.id().to_string()]).status();
    assert!(kill.unwrap().success());
}
