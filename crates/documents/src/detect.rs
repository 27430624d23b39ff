//! What a file is: by its bytes first, by its name where bytes are plain text.

use crate::archive::Archive;
use crate::compound::{Compound, xls::is_bare};
use crate::decode::{decode, looks_like_text};
use crate::folder::is_tar;
use crate::mbox::is_mailbox;
use crate::{ReadError, ReadOptions};
use hearth_domain::Kind;

/// Tells the family of a file. The name only chooses among the families of plain text.
///
/// Fails with `Empty`, `Unsupported`, `Encrypted` (a protected office file) or `Damaged` (an archive cut off).
pub fn detect(name: &str, bytes: &[u8]) -> Result<Kind, ReadError> {
    if bytes.is_empty() || bytes.iter().all(|byte| matches!(byte, 0 | b' ' | b'\n' | b'\r' | b'\t')) {
        return Err(ReadError::Empty);
    }
    let head = bytes.get(..bytes.len().min(1024)).unwrap_or_default();
    if head.windows(5).any(|window| window == b"%PDF-") {
        return Ok(Kind::Pdf);
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return archive_kind(name, bytes);
    }
    if head.starts_with(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]) {
        return compound(bytes);
    }
    if head.starts_with(b"{\\rtf") {
        return Ok(Kind::Rtf);
    }
    if is_bare(head) {
        return Ok(Kind::Xlsx);
    }
    if head.starts_with(b"\x1f\x8b") || is_tar(bytes) {
        return Ok(Kind::Archive);
    }
    if crate::picture::format(head).is_some() {
        return Ok(Kind::Picture);
    }
    if let Some(what) = known_binary(head) {
        return Err(ReadError::unsupported(what));
    }
    let extension = extension(name);
    if !looks_like_text(bytes) {
        return Err(match extension.as_str() {
            "pdf" | "docx" | "pptx" | "xlsx" | "epub" => {
                ReadError::damaged(format!("its beginning is not that of a .{extension} file"))
            }
            _ => ReadError::unsupported("This kind of binary file"),
        });
    }
    Ok(text_kind(&extension, name, bytes))
}

fn extension(name: &str) -> String {
    let file = name.rsplit(['/', '\\']).next().unwrap_or_default();
    file.rsplit_once('.').map_or(String::new(), |(_, extension)| extension.to_ascii_lowercase())
}

fn archive_kind(name: &str, bytes: &[u8]) -> Result<Kind, ReadError> {
    let archive = Archive::open(bytes, &ReadOptions::default())?;
    let any = |start: &str| archive.names().any(|name| name.starts_with(start));
    let mimetype = archive.get("mimetype").ok().flatten().unwrap_or_default();
    let mimetype = String::from_utf8_lossy(mimetype.get(..mimetype.len().min(100)).unwrap_or_default()).into_owned();
    let kind = if let Some(kind) = crate::iwork::kind(name, &archive) {
        kind
    } else if archive.has("word/document.xml") || (archive.has("[Content_Types].xml") && any("word/")) {
        Kind::Docx
    } else if archive.has("xl/workbook.bin") || (archive.has("[Content_Types].xml") && any("xl/")) {
        Kind::Xlsx
    } else if archive.has("[Content_Types].xml") && any("ppt/") {
        Kind::Pptx
    } else if mimetype.starts_with("application/epub")
        || archive.has("META-INF/container.xml") && !any("META-INF/MANIFEST.MF")
    {
        Kind::Epub
    } else if mimetype.contains("opendocument.text") {
        Kind::Odt
    } else if mimetype.contains("opendocument.spreadsheet") {
        Kind::Ods
    } else if mimetype.contains("opendocument.presentation") {
        Kind::Odp
    } else {
        let what = match mimetype.as_str() {
            m if m.contains("opendocument") => "An OpenDocument drawing or formula",
            _ if archive.has("META-INF/MANIFEST.MF") => "A Java archive",
            _ => return Ok(Kind::Archive),
        };
        return Err(ReadError::unsupported(what));
    };
    Ok(kind)
}

/// What a compound file (the container of old and of protected office files) holds.
fn compound(bytes: &[u8]) -> Result<Kind, ReadError> {
    let file = Compound::open(bytes, u64::MAX).map_err(|why| {
        // One that is cut off may still say that it is protected.
        let wide: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let is_protected = bytes.windows(wide.len()).step_by(2).any(|window| window == wide);
        if is_protected { ReadError::Encrypted } else { why }
    })?;
    let names = file.inside("/");
    let has = |name: &str| names.iter().any(|known| known == name);
    if has("EncryptedPackage") {
        return Err(ReadError::Encrypted);
    }
    if has("WordDocument") {
        return Ok(Kind::Docx);
    }
    if has("__properties_version1.0") {
        return Ok(Kind::Email);
    }
    if has("Workbook") || has("Book") {
        return Ok(Kind::Xlsx);
    }
    if has("PowerPoint Document") {
        return Ok(Kind::Pptx);
    }
    Err(ReadError::unsupported("An old office file"))
}

fn known_binary(head: &[u8]) -> Option<&'static str> {
    let starts = |magic: &[u8]| head.starts_with(magic);
    let riff = |kind: &[u8]| starts(b"RIFF") && head.get(8..12) == Some(kind);
    Some(match () {
        _ if riff(b"WAVE") || starts(b"ID3") || starts(b"fLaC") || starts(b"OggS") => "A sound recording",
        _ if head.get(4..8) == Some(b"ftyp") => "A film or sound recording",
        _ if starts(b"7z\xbc\xaf") => "A 7z archive",
        _ if starts(b"Rar!") => "A RAR archive",
        _ if starts(b"BZh") => "A bzip2 archive",
        _ if starts(b"\xfd7zXZ") => "An xz archive",
        _ if starts(b"\x7fELF") || starts(b"MZ\x90") => "A program",
        _ if starts(b"SQLite format 3") => "A SQLite database",
        _ if starts(b"%!PS") => "A PostScript file",
        _ if starts(b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d") => "A section of a OneNote notebook",
        _ if starts(b"\xffWPC") => "A WordPerfect document",
        _ => return None,
    })
}

fn text_kind(extension: &str, name: &str, bytes: &[u8]) -> Kind {
    let head = decode(bytes.get(..bytes.len().min(8192)).unwrap_or_default()).0.into_owned();
    let start = head.trim_start();
    let lower: String = start.chars().take(2048).collect::<String>().to_ascii_lowercase();
    if is_mailbox(bytes) {
        return Kind::Mailbox;
    }
    if is_email(start) {
        return Kind::Email;
    }
    let markup = lower.starts_with("<!doctype html") || lower.starts_with("<html");
    let later = (lower.starts_with("<?xml") || lower.starts_with("<!--")) && lower.contains("<html");
    if markup || later || matches!(extension, "html" | "htm" | "xhtml" | "shtml" | "mhtml") && lower.contains('<') {
        return Kind::Html;
    }
    match extension {
        "md" | "markdown" | "mdown" | "mkd" | "mdx" => Kind::Markdown,
        "csv" | "tsv" | "tab" => Kind::Csv,
        "ipynb" => Kind::Notebook,
        "json" | "jsonl" | "ndjson" | "geojson" => Kind::Json,
        "xml" | "rss" | "atom" | "rdf" | "opml" => Kind::Xml,
        "eml" if start.lines().next().is_some_and(|line| line.contains(':')) => Kind::Email,
        _ if CODE.split_ascii_whitespace().any(|known| known == extension) => Kind::Code,
        _ if matches!(base(name), "Makefile" | "Dockerfile" | "CMakeLists.txt" | "Rakefile" | "Gemfile") => Kind::Code,
        _ if ["<?xml", "<rss", "<feed"].iter().any(|start| lower.starts_with(start)) => Kind::Xml,
        _ if lower.starts_with("#!/") => Kind::Code,
        _ => Kind::Text,
    }
}

fn base(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or_default()
}

const CODE: &str = "rs py js mjs cjs ts tsx jsx java kt kts c h cc cpp cxx hpp hh cs go rb php swift scala sh bash zsh \
    fish ps1 bat cmd pl pm lua r jl hs ml mli fs fsx ex exs erl clj cljs el lisp scm sql toml yaml yml \
    ini cfg conf xsd xsl svg css scss less vue svelte dart nim zig v vhdl tf proto graphql cmake gradle tex bib \
    asm s f90 f95 m mm pas vb wat";

/// Two or more header fields of a message before anything else.
fn is_email(start: &str) -> bool {
    const FIELDS: [&str; 14] = [
        "from",
        "to",
        "date",
        "subject",
        "received",
        "return-path",
        "message-id",
        "mime-version",
        "delivered-to",
        "cc",
        "reply-to",
        "content-type",
        "x-mailer",
        "sender",
    ];
    let mut known = 0;
    for (i, line) in start.lines().enumerate().take(60) {
        if line.is_empty() {
            break;
        }
        if line.starts_with([' ', '\t']) || (i == 0 && line.starts_with("From ")) {
            continue;
        }
        let Some((field, _)) = line.split_once(':') else { return false };
        if field.is_empty() || !field.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
            return false;
        }
        let field = field.to_ascii_lowercase();
        known += usize::from(FIELDS.contains(&field.as_str()));
    }
    known >= 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::tests::zip;

    fn check(name: &str, bytes: &[u8], expect: Result<Kind, &str>) {
        assert_eq!(detect(name, bytes).map_err(|e| e.code()), expect, "{name}");
    }

    #[test]
    fn bytes_speak_before_names() {
        check("report.txt", b"%PDF-1.7\n...", Ok(Kind::Pdf));
        check("report.pdf", b"Just some words that were saved.", Ok(Kind::Text));
        check("x.docx", &zip(&[("[Content_Types].xml", b""), ("xl/workbook.xml", b"")]), Ok(Kind::Xlsx));
        check("x.bin", &zip(&[("word/document.xml", b"")]), Ok(Kind::Docx));
        check("x.zip", &zip(&[("a.txt", b"a")]), Ok(Kind::Archive));
        check("x.jar", &zip(&[("META-INF/MANIFEST.MF", b"a")]), Err("unsupported"));
        check("x.gz", b"\x1f\x8b\x08\0\0\0\0\0\0\0", Ok(Kind::Archive));
        check("feed", b"<rss version='2.0'><channel/></rss>", Ok(Kind::Xml));
        check("page.txt", b"<!DOCTYPE html><html></html>", Ok(Kind::Html));
        check("mail.txt", b"From: a@b.c\nSubject: hi\n\nhello", Ok(Kind::Email));
        check("notes.txt", b"To: do\nlater: maybe not\nthen\n", Ok(Kind::Text));
    }

    #[test]
    fn names_choose_among_texts() {
        check("a.md", b"# hi", Ok(Kind::Markdown));
        check("a.csv", b"a,b\n1,2", Ok(Kind::Csv));
        check("dir/a.rs", b"fn main() {}", Ok(Kind::Code));
        check("a.ipynb", b"{}", Ok(Kind::Notebook));
        check("a.json", b"{}", Ok(Kind::Json));
        check("a.svg", b"<?xml version='1.0'?><svg/>", Ok(Kind::Code));
        check("README", b"hello there", Ok(Kind::Text));
    }

    #[test]
    fn what_is_not_read_says_so() {
        check("a.pdf", b"", Err("empty"));
        check("a.txt", b" \n\n ", Err("empty"));
        check("a.png", b"\x89PNG\r\n\x1a\n\0\0\0", Ok(Kind::Picture));
        check("a.gz", b"\x1f\x8b\x08\0\0\0", Ok(Kind::Archive));
        check("a.pdf", &[0, 1, 2, 3, 4, 255, 254, 0, 0, 1, 2], Err("damaged"));
        check("a.docx", b"PK\x03\x04 and then nothing", Err("damaged"));
        check("a.one", b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3", Err("unsupported"));
        let mut protected = vec![0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
        protected.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
        check("a.docx", &protected, Err("encrypted"));
    }
}
