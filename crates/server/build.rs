//! Builds the web page with npm and puts it into the program, compressed. Nothing here is fetched at run time.

use std::error::Error;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use flate2::Compression;
use flate2::write::GzEncoder;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// What the page is made of, within `web/`. Everything else there is for those who work on it.
const SOURCES: [&str; 8] = [
    "build",
    "index.html",
    "package.json",
    "package-lock.json",
    "public",
    "src",
    "svelte.config.js",
    "vite.config.ts",
];
/// Where vite puts files whose names contain a hash of their content.
const HASHED: &str = "/assets/";

fn main() {
    if let Err(error) = run() {
        // Cargo fails the build, and shows these lines alone and not all that it knows.
        error.to_string().lines().for_each(|line| println!("cargo::error={line}"));
    }
}

fn run() -> Outcome<()> {
    let web = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../web").canonicalize()?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    for source in SOURCES {
        println!("cargo:rerun-if-changed={}", web.join(source).display());
    }
    let dist = out.join("page");
    install(&web)?;
    npm(&web, &["run", "build", "--", "--outDir", &dist.to_string_lossy(), "--emptyOutDir"])?;
    embed(&dist, &out)
}

/// Fetches what the page is built with, unless what is there is what the lock file says.
fn install(web: &Path) -> Outcome<()> {
    // npm writes this file when it is done.
    let installed = fs::metadata(web.join("node_modules/.package-lock.json"));
    let wanted = fs::metadata(web.join("package-lock.json"))?;
    if installed.is_ok_and(|installed| installed.modified().ok() >= wanted.modified().ok()) {
        return Ok(());
    }
    npm(web, &["ci", "--no-audit", "--no-fund"])
}

fn npm(web: &Path, arguments: &[&str]) -> Outcome<()> {
    let output = Command::new("npm").args(arguments).current_dir(web).output().map_err(|error| {
        format!("Parlor's web page is built with npm, which comes with Node.js 20.19 or newer; it did not start: {error}.")
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    Err(format!("npm {} failed in {}:\n{said}", arguments.join(" "), web.display()).into())
}

/// Writes all files of the page in all their forms, and the table of them as Rust.
fn embed(dist: &Path, out: &Path) -> Outcome<()> {
    let mut files = Vec::new();
    list(dist, &mut files)?;
    let mut files: Vec<_> = files
        .into_iter()
        .map(|file| Ok((format!("/{}", file.strip_prefix(dist)?.to_string_lossy()), file)))
        .collect::<Outcome<_>>()?;
    files.sort();
    let forms = out.join("forms");
    fs::create_dir_all(&forms)?;
    let mut table = "&[\n".to_owned();
    for (index, (path, file)) in files.iter().enumerate() {
        let bytes = fs::read(file)?;
        let (content_type, compressible) = kind(path)?;
        let hashed = path.starts_with(HASHED);
        writeln!(
            table,
            "Asset {{ path: {path:?}, content_type: {content_type:?}, hashed: {hashed}, forms: &["
        )?;
        for (encoding, form) in all_forms(bytes, compressible)? {
            let written = forms.join(format!("{index}{encoding}"));
            let etag = format!("\"{:016x}\"", hash(&form));
            fs::write(&written, form)?;
            let written = written.to_string_lossy();
            writeln!(
                table,
                "Form {{ encoding: {encoding:?}, etag: {etag:?}, bytes: include_bytes!({written:?}) }},"
            )?;
        }
        table.push_str("] },\n");
    }
    table.push(']');
    Ok(fs::write(out.join("page.rs"), table)?)
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Outcome<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { list(&path, files)? } else { files.push(path) }
    }
    Ok(())
}

/// The Content-Type of a file, and whether it becomes smaller by compression.
fn kind(path: &str) -> Outcome<(&'static str, bool)> {
    Ok(match path.rsplit_once('.').unwrap_or_default().1 {
        "css" => ("text/css; charset=utf-8", true),
        "html" => ("text/html; charset=utf-8", true),
        "ico" => ("image/x-icon", true),
        "js" => ("text/javascript; charset=utf-8", true),
        "json" => ("application/json", true),
        "png" => ("image/png", false),
        "svg" => ("image/svg+xml", true),
        "txt" => ("text/plain; charset=utf-8", true),
        "webmanifest" => ("application/manifest+json", true),
        "woff2" => ("font/woff2", false),
        _ => return Err(format!("build.rs does not know of what type {path} is").into()),
    })
}

/// The forms of a file that are worth having, the shortest first, itself last.
fn all_forms(bytes: Vec<u8>, compressible: bool) -> Outcome<Vec<(&'static str, Vec<u8>)>> {
    let mut forms = Vec::new();
    if compressible {
        let mut brotli = Vec::new();
        brotli::BrotliCompress(
            &mut bytes.as_slice(),
            &mut brotli,
            &brotli::enc::BrotliEncoderParams::default(),
        )?;
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&bytes)?;
        forms = vec![("br", brotli), ("gzip", gzip.finish()?)];
        forms.retain(|(_, form)| form.len() < bytes.len());
        forms.sort_by_key(|(_, form)| form.len());
    }
    forms.push(("", bytes));
    Ok(forms)
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}
