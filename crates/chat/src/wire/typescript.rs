//! The same words in TypeScript, for the page, and the test that both sides speak them.

use std::collections::BTreeMap;
use std::{env, fs, iter};

use ts_rs::{Config, TS, TypeVisitor};

use super::http::{
    CreateRoom, Credentials, Failed, LoggedIn, Me, MessagePage, PasswordChange, RoomPage, Sessions,
};
use super::{Ack, ClientEvent, ServerEvent};

/// Where the page has them.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../web/src/wire.ts");
const COMMAND: &str = "REGENERATE=1 cargo test -p chat typescript";

/// TypeScript declarations: the types by name, since the generator visits them in no fixed order, then the maps.
pub(super) struct Declarations {
    config: Config,
    types: BTreeMap<String, String>,
    maps: Vec<String>,
}

#[test]
fn the_page_speaks_the_same_words() {
    let generated = generate();
    if env::var_os("REGENERATE").is_some() {
        fs::write(FILE, &generated).unwrap();
    }
    let written = fs::read_to_string(FILE).unwrap_or_default();
    assert!(written == generated, "web/src/wire.ts is not what wire.rs says. Run: {COMMAND}");
}

fn generate() -> String {
    let mut declarations = Declarations {
        // Every number on the wire is a count, an id or a time: far below 2^53.
        config: Config::new().with_large_int("number"),
        types: BTreeMap::new(),
        maps: Vec::new(),
    };
    ClientEvent::declare(&mut declarations);
    ServerEvent::declare(&mut declarations);
    declarations.add::<Ack<()>>();
    declarations.add::<Credentials>();
    declarations.add::<LoggedIn>();
    declarations.add::<Me>();
    declarations.add::<PasswordChange>();
    declarations.add::<Sessions>();
    declarations.add::<CreateRoom>();
    declarations.add::<RoomPage>();
    declarations.add::<MessagePage>();
    declarations.add::<Failed>();
    let Declarations { types, maps, .. } = declarations;
    let head = format!("// Generated from crates/chat/src/wire.rs by: {COMMAND}");
    let blocks: Vec<String> = iter::once(head).chain(types.into_values()).chain(maps).collect();
    blocks.join("\n\n") + "\n"
}

/// `name: payload`, or with an answer `name: { payload: …; ok: … }`.
macro_rules! entry {
    ($name:literal, $payload:ty) => {
        |config| format!("  {}: {};", $name, <$payload as ts_rs::TS>::name(config))
    };
    ($name:literal, $payload:ty, $answer:ty) => {
        |config| {
            let payload = <$payload as ts_rs::TS>::name(config);
            let ok = <$answer as ts_rs::TS>::name(config);
            format!("  {}: {{ payload: {payload}; ok: {ok} }};", $name)
        }
    };
}

pub(super) use entry;

impl Declarations {
    pub(super) fn map(&mut self, name: &str, entries: &[fn(&Config) -> String]) {
        let entries: Vec<String> = entries.iter().map(|entry| entry(&self.config)).collect();
        self.maps.push(format!("export interface {name} {{\n{}\n}}", entries.join("\n")));
    }

    pub(super) fn add<T: TS + 'static + ?Sized>(&mut self) {
        // What has no file of its own is built in.
        let name = T::ident(&self.config);
        if T::output_path().is_none() || self.types.contains_key(&name) {
            return;
        }
        let docs = T::docs().unwrap_or_default();
        let declaration = format!("{docs}export {}", T::decl(&self.config));
        self.types.insert(name, laid_out(&declaration));
        T::visit_dependencies(self);
    }
}

/// Fields and comments in lines of their own, as people write them.
fn laid_out(declaration: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut indent = "";
    for line in declaration.lines().map(str::trim_end) {
        if line == " */" && lines[lines.len() - 2].ends_with("/**") {
            let sentence = lines.pop().unwrap_or_default();
            lines.pop();
            lines.push(format!("{indent}/** {} */", sentence.trim_start_matches([' ', '*'])));
        } else if let Some(field) = line.strip_suffix(", };") {
            lines.extend([format!("{indent}{field};"), "};".to_owned()]);
        } else if let Some(field) = line.strip_suffix(',') {
            lines.push(format!("{indent}{field};"));
        } else {
            lines.push(format!("{indent}{line}"));
        }
        if line.ends_with('{') {
            indent = "  ";
        }
    }
    lines.join("\n")
}

impl TypeVisitor for Declarations {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        self.add::<T>();
    }
}
