//! The whole comparison, small: whether it works, not how fast anything is.
use std::process::Command;

#[test]
fn the_raw_bound_passes_every_row_of_the_comparison() {
    let output = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["fanout", "--quick", "--rounds", "1", "--servers", "raw", "--markdown"])
        .output()
        .expect("bench runs");
    let report = String::from_utf8_lossy(&output.stdout);
    let progress = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{progress}");
    assert!(!report.contains("failed"), "{report}");
    for row in ["1", "2", "3", "4", "5a", "5b", "6", "7", "8"] {
        let line = report.lines().find(|line| line.starts_with(&format!("| {row:3} |")));
        assert!(line.is_some(), "row {row} is missing:\n{report}");
    }
}
