//! The measurement of Parlor as a whole, small: whether it works, not how fast anything is.
use std::process::Command;

#[test]
fn parlor_passes_every_row_of_its_measurement() {
    let output = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["parlor", "--quick", "--rounds", "1", "--markdown"])
        .output()
        .expect("bench runs");
    let report = String::from_utf8_lossy(&output.stdout);
    let progress = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{progress}");
    assert!(!report.contains("failed"), "{report}");
    let rows = ["1", "2", "3", "3r", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14"];
    for row in rows {
        let line = report.lines().find(|line| line.starts_with(&format!("| {row:3} |")));
        assert!(line.is_some(), "row {row} is missing:\n{report}");
    }
}
