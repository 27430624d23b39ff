//! Archives built by the tests: what is handed on, what is refused, and changed ones.

use super::*;
use crate::archive::tests::zip;
use std::io::Write;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

fn open(name: &str, bytes: &[u8]) -> Result<Document, ReadError> {
    crate::read(name, bytes, &ReadOptions::default(), &mut |_, _| ControlFlow::Continue(()))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn tar(members: &[(&str, u8, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, kind, body) in members {
        let mut head = vec![0u8; 512];
        head[..name.len()].copy_from_slice(name.as_bytes());
        head[124..135].copy_from_slice(format!("{:011o}", body.len()).as_bytes());
        head[148..156].fill(b' ');
        head[156] = *kind;
        head[257..262].copy_from_slice(b"ustar");
        let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
        head[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        out.extend(head);
        out.extend(*body);
        out.resize(out.len().div_ceil(512) * 512, 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}

fn names(document: &Document) -> Vec<&str> {
    document.attachments.iter().map(|member| member.name.as_str()).collect()
}

#[test]
fn members_are_handed_on_with_their_paths() {
    let bytes =
        zip(&[("a/", b""), ("a/one.txt", b"One"), ("two.csv", b"x,y"), ("__MACOSX/._two.csv", b"?"), (".git/x", b"?")]);
    let document = open("x.zip", &bytes).unwrap();
    assert_eq!((document.kind, names(&document)), (Kind::Archive, vec!["a/one.txt", "two.csv"]));
    assert_eq!(document.pages[0].text, "a/one.txt (3 B)\ntwo.csv (3 B)");
    let long = "d/".repeat(60) + "long.txt";
    let bytes =
        tar(&[("./a/one.txt", b'0', b"One"), ("@", b'L', long.as_bytes()), ("cut", b'0', b"Long"), ("ln", b'2', b"")]);
    for (name, bytes) in [("x.tar", bytes.clone()), ("x.tgz", gzip(&bytes))] {
        let document = open(name, &bytes).unwrap();
        assert_eq!(names(&document), ["a/one.txt", long.as_str()], "{name}");
        assert!(document.warnings[0].message.contains("ln"));
    }
    let document = open("notes.txt.gz", &gzip(b"Some notes.")).unwrap();
    assert_eq!(names(&document), ["notes.txt"]);
}

#[test]
fn names_that_lead_out_are_refused() {
    let bytes = zip(&[
        ("../../etc/passwd", b"x"),
        ("/etc/y", b"y"),
        ("C:\\z", b"z"),
        ("\\\\host\\u", b"u"),
        ("good.txt", b"g"),
    ]);
    let document = open("x.zip", &bytes).unwrap();
    assert_eq!(names(&document), ["good.txt"]);
    assert!(document.warnings[0].message.contains("etc/passwd"));
    assert_eq!(open("x.zip", &zip(&[("a/../../b", b"x")])).unwrap_err().code(), "bomb");
    assert_eq!(open("x.tar", &tar(&[("/etc/passwd", b'0', b"x")])).unwrap_err().code(), "bomb");
}

#[test]
fn bombs_are_refused_soon() {
    let zeros = vec![0u8; 60 << 20];
    for (name, bytes) in [
        ("x.zip", zip(&[("a", &zeros[..]), ("b", &zeros)])),
        ("x.gz", gzip(&zeros)),
        ("x.tgz", gzip(&tar(&[("a", b'0', &zeros)]))),
    ] {
        let began = Instant::now();
        assert_eq!(open(name, &bytes).unwrap_err().code(), "bomb", "{name}");
        assert!(began.elapsed() < Duration::from_secs(2), "{name}");
    }
}

#[test]
fn changed_archives_end_in_a_document_or_an_error() {
    let packed = tar(&[("a.txt", b'0', b"One"), ("b", b'x', b"18 path=c/d/e.txt\n"), ("b", b'0', b"Two")]);
    let wholes = [zip(&[("a/one.txt", b"One"), ("b", b"Two")]), gzip(&packed), packed];
    let mut dice = 3u32;
    for round in 0..3000 {
        let mut bytes = wholes[round % 3].clone();
        for _ in 0..1 + round % 5 {
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = (dice >> 8) as usize % bytes.len();
            bytes[at] = if round % 4 == 0 { 0xff } else { (dice >> 3) as u8 };
        }
        if round % 7 == 0 {
            bytes.truncate(dice as usize % bytes.len());
        }
        drop(open("x.tar", &bytes));
    }
}
