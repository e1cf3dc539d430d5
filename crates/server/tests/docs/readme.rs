//! The options in README.md are those of the program.

use std::fmt::Write;

use clap::{Arg, CommandFactory};
use server::Config;

use crate::read;

#[test]
fn the_readme_lists_every_option_as_the_manual_does() {
    let mut table = String::new();
    let command = Config::command();
    for option in command.get_arguments().filter(|option| option.get_env().is_some()) {
        writeln!(table, "{}", row(option)).unwrap();
    }
    assert!(table.lines().count() >= 12, "{table}");
    let readme = read("README.md");
    let rows: String =
        readme.split_inclusive('\n').filter(|row| row.starts_with("| `--")).collect();
    assert_eq!(rows, table, "the table in README.md has to be:\n{table}");
}

fn row(option: &Arg) -> String {
    let name = option.get_long().unwrap();
    let variable = option.get_env().unwrap().to_str().unwrap();
    let default = match option.get_default_values() {
        [value] => format!("`{}`", value.to_str().unwrap()),
        _ => String::new(),
    };
    let values: Vec<_> = option.get_possible_values();
    let values: Vec<_> = values.iter().map(|value| format!("`{}`", value.get_name())).collect();
    let values = if values.is_empty() { String::new() } else { format!(": {}", values.join(", ")) };
    let meaning = option.get_help().unwrap().to_string();
    format!("| `--{name}` | `{variable}` | {default} | {meaning}{values} |")
}
