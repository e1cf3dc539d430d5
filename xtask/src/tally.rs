//! How many tests ran, read from what the test runners printed.

use std::fmt;
use std::ops::AddAssign;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Tally {
    pub(crate) passed: u32,
    pub(crate) failed: u32,
}

impl Tally {
    /// Adds up every `test result: …` line of `cargo test`: one for each binary and one for the doc tests.
    pub(crate) fn of_cargo(output: &str) -> Self {
        let mut tally = Self::default();
        for line in output.lines() {
            if let Some(result) = line.strip_prefix("test result: ") {
                tally.passed += number_before(" passed", result);
                tally.failed += number_before(" failed", result);
            }
        }
        tally
    }

    /// Reads the line in which vitest sums up: `Tests  1 failed | 12 passed (13)`.
    pub(crate) fn of_vitest(output: &str) -> Self {
        let sum = output.lines().find_map(|line| line.trim_start().strip_prefix("Tests "));
        let sum = sum.unwrap_or_default();
        Self { passed: number_before(" passed", sum), failed: number_before(" failed", sum) }
    }

    /// Reads the lines in which Node's own runner sums up: `ℹ pass 12` and so on. A test that was cancelled or skipped
    /// has not passed.
    pub(crate) fn of_node(output: &str) -> Self {
        let count = |what: &str| -> u32 {
            let lines =
                output.lines().filter_map(|line| line.strip_prefix("ℹ ")?.strip_prefix(what));
            lines.filter_map(|number| number.trim().parse::<u32>().ok()).sum()
        };
        let failed = ["fail ", "cancelled ", "skipped ", "todo "].map(count).iter().sum();
        Self { passed: count("pass "), failed }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} passed, {} failed", self.passed, self.failed)
    }
}

fn number_before(word: &str, text: &str) -> u32 {
    text.split_once(word)
        .and_then(|(before, _)| before.rsplit(' ').next()?.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_results_of_all_test_binaries_are_added_up() {
        let output = "\
running 3 tests
test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
   Doc-tests volley
test result: FAILED. 12 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.52s
";
        let expected = Tally { passed: 15, failed: 1 };
        assert_eq!(Tally::of_cargo(output), expected);
        assert_eq!(expected.to_string(), "15 passed, 1 failed");
    }

    #[test]
    fn the_sum_of_vitest_is_read() {
        let output = "
 Test Files  1 failed | 13 passed (14)
      Tests  2 failed | 271 passed | 1 skipped (274)
   Start at  10:02:19
";
        assert_eq!(Tally::of_vitest(output), Tally { passed: 271, failed: 2 });
        assert_eq!(Tally::of_vitest("   Tests  9 passed (9)"), Tally { passed: 9, failed: 0 });
    }

    #[test]
    fn the_sum_of_node_is_read_and_what_did_not_run_has_not_passed() {
        let output = "
✔ alice says hello (12.5ms)
ℹ tests 5
ℹ suites 0
ℹ pass 2
ℹ fail 1
ℹ cancelled 1
ℹ skipped 1
ℹ todo 0
ℹ duration_ms 101570.1
";
        assert_eq!(Tally::of_node(output), Tally { passed: 2, failed: 3 });
    }

    #[test]
    fn output_without_a_result_counts_nothing() {
        for count in [Tally::of_cargo, Tally::of_vitest, Tally::of_node] {
            assert_eq!(count("error: could not compile `volley`"), Tally::default());
        }
    }
}
