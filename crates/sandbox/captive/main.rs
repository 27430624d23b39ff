//! The child of this crate's tests: it does what its first argument says and prints what came of it, one line each.
//! It is not part of Hearth and does nothing by itself.
#![allow(unsafe_code, clippy::disallowed_methods, clippy::disallowed_types)]

use hearth_sandbox::{Confinement, Devices, Limits, Spawn, confine, confine_around};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let arg = |index: usize| args.get(index).map_or("", String::as_str);
    match arg(0) {
        "env" => std::env::vars().for_each(|(name, value)| println!("{name}={value}")),
        "files" => open_files(),
        "socket" => say("socket", std::net::TcpListener::bind("127.0.0.1:0")),
        "confined" => confined(arg(1), arg(2)),
        "walled" => try_all(arg(1), arg(2)),
        "device" => device(arg(1), arg(2) == "used"),
        "mapped" => mapped(arg(1)),
        "hog" => hog(arg(1)),
        "shared" => shared(),
        "parent" => parent(),
        "echo" => echo(),
        _ => wait_for_end(),
    }
}

fn say<T, E: std::fmt::Display>(what: &str, result: Result<T, E>) {
    match result {
        Ok(_) => println!("{what}: done"),
        Err(error) => println!("{what}: refused ({error})"),
    }
}

fn confined(named: &str, other: &str) {
    let wanted = Confinement { read_only: vec![named.into()], network: false, memory_bytes: None };
    let report = confine(&wanted).expect("confined");
    println!("report: network {} files {} memory {}", report.network, report.files, report.memory);
    try_all(named, other);
}

fn try_all(named: &str, other: &str) {
    say("named file", fs::read(named));
    say("other file", fs::read(other));
    say("passwd", fs::read("/etc/passwd"));
    say("own program", File::open("/proc/self/exe"));
    say("listing", fs::read_dir(Path::new(named).parent().unwrap_or(Path::new("/"))));
    say("writing the named file", fs::OpenOptions::new().append(true).open(named));
    say("making a file", File::create(format!("{named}.new")));
    say("removing", fs::remove_file(named));
    say("renaming", fs::rename(named, format!("{named}.moved")));
    say("changing rights", fs::set_permissions(named, std::os::unix::fs::PermissionsExt::from_mode(0o777)));
    say("listen", std::net::TcpListener::bind("127.0.0.1:0"));
    say("datagram", std::net::UdpSocket::bind("127.0.0.1:0"));
    say("local socket", std::os::unix::net::UnixListener::bind("hearth-test.socket"));
    say("running a program", Command::new("/bin/true").status());
    // SAFETY: plain system calls; a child that comes to be ends at once.
    unsafe {
        let forked = libc::fork();
        if forked == 0 {
            libc::_exit(0);
        }
        say("fork", kernel(forked.into()));
        say("signal to the parent", kernel(libc::kill(libc::getppid(), 0).into()));
        say("trace", kernel(libc::ptrace(libc::PTRACE_ATTACH, libc::getppid(), 0, 0)));
        say("ring", kernel(libc::syscall(libc::SYS_io_uring_setup, 1, std::ptr::null_mut::<u8>())));
        say("x32 socket", kernel(libc::syscall(0x4000_0000 + libc::SYS_socket, libc::AF_INET, libc::SOCK_STREAM, 0)));
        let code = libc::mmap(std::ptr::null_mut(), 4096, 5, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0);
        say("new code", kernel(code as i64));
        let more = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
        say("raising the cap", kernel(libc::setrlimit(libc::RLIMIT_DATA, &more).into()));
        let mut signal: libc::c_int = 0;
        libc::prctl(libc::PR_GET_PDEATHSIG, &raw mut signal);
        println!("dies with its parent: {signal}");
        say("new namespace", kernel(libc::unshare(libc::CLONE_NEWUSER).into()));
    }
    let sums: u64 = (0..4u64).map(|n| std::thread::spawn(move || n)).filter_map(|t| t.join().ok()).sum();
    println!("threads: {sums}");
    say("a second confinement", confine(&Confinement::default()));
}

/// Uses `/dev/null` as a device, from this thread and from one that its driver started, as drivers do.
fn device(other: &str, used: bool) {
    let devices = Devices { nodes: vec!["/dev/null".into()], read_only: vec!["/proc/cpuinfo".into()] };
    let (ask, asked) = std::sync::mpsc::channel::<()>();
    let (other, mut asked, mut driver) = (other.to_owned(), Some(asked), None);
    let path = other.clone();
    let mut wake = || {
        say("waking", fs::OpenOptions::new().write(true).open("/dev/null"));
        say("waking by another file", fs::read(&path));
        let (asked, path) = (asked.take(), path.clone());
        driver = Some(std::thread::spawn(move || {
            let _ = asked.map(|asked| asked.recv());
            attempts("driver", &path);
        }));
        used
    };
    confine_around(&Confinement::default(), &devices, &mut wake).expect("confined");
    attempts("self", &other);
    drop(ask);
    driver.into_iter().for_each(|driver| driver.join().expect("the driver's thread"));
}

fn attempts(who: &str, other: &str) {
    say(&format!("{who}: the device"), fs::OpenOptions::new().read(true).write(true).open("/dev/null"));
    say(&format!("{who}: the driver's file"), fs::read("/proc/cpuinfo"));
    say(&format!("{who}: reading another file"), fs::read(other));
    say(&format!("{who}: writing another file"), fs::OpenOptions::new().append(true).open(other));
    say(&format!("{who}: making a file"), File::create(format!("{other}.new")));
    say(&format!("{who}: another device"), File::open("/dev/zero"));
    say(&format!("{who}: listen"), std::net::TcpListener::bind("127.0.0.1:0"));
    say(&format!("{who}: running a program"), Command::new("/bin/true").status());
    // SAFETY: plain system calls; a child that comes to be ends at once; a fresh map that nothing else refers to.
    unsafe {
        let forked = libc::fork();
        if forked == 0 {
            libc::_exit(0);
        }
        say(&format!("{who}: fork"), kernel(forked.into()));
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let code = libc::mmap(std::ptr::null_mut(), 4096, libc::PROT_READ | libc::PROT_EXEC, flags, -1, 0);
        say(&format!("{who}: new machine code"), kernel(code as i64));
    }
}

fn kernel(result: i64) -> std::io::Result<()> {
    if result < 0 { Err(std::io::Error::last_os_error()) } else { Ok(()) }
}

/// Maps a file opened after the confinement and reads all of it.
fn mapped(named: &str) {
    confine(&Confinement { read_only: vec![named.into()], ..Confinement::default() }).expect("confined");
    let file = File::open(named).expect("named file");
    let bytes = file.metadata().expect("metadata").len() as usize;
    // SAFETY: a private read-only map of a file that nobody changes meanwhile.
    let sum: u64 = unsafe {
        let fd = std::os::fd::AsRawFd::as_raw_fd(&file);
        let start = libc::mmap(std::ptr::null_mut(), bytes, libc::PROT_READ, libc::MAP_PRIVATE, fd, 0);
        assert_ne!(start, libc::MAP_FAILED);
        std::slice::from_raw_parts(start.cast::<u8>(), bytes).iter().map(|byte| u64::from(*byte)).sum()
    };
    println!("sum: {sum}");
}

fn hog(bytes: &str) {
    let bytes: usize = bytes.parse().expect("bytes");
    let block = vec![1u8; bytes];
    println!("held: {}", block.iter().filter(|byte| **byte == 1).count());
}

fn shared() {
    confine(&Confinement::default()).expect("confined");
    // SAFETY: a fresh map that nothing else refers to.
    let map = unsafe { libc::mmap(std::ptr::null_mut(), 1 << 20, 3, libc::MAP_SHARED | libc::MAP_ANONYMOUS, -1, 0) };
    say("shared memory", kernel(map as i64));
}

fn open_files() {
    for entry in fs::read_dir("/proc/self/fd").into_iter().flatten().flatten() {
        println!("{} {}", entry.file_name().display(), fs::read_link(entry.path()).unwrap_or_default().display());
    }
}

fn parent() {
    let limits = Limits { memory_bytes: 1 << 30, cpu_seconds: None, open_files: 64, file_size_bytes: 0 };
    let program = std::env::current_exe().expect("own path");
    let child = std::thread::spawn(move || Spawn::new(program, "grandchild", limits).args(["wait"]).start());
    let child = child.join().expect("thread").expect("grandchild");
    println!("{}", child.id());
    wait_for_end();
}

fn echo() {
    let mut input = Vec::new();
    std::io::stdin().read_to_end(&mut input).expect("input");
    std::io::stdout().write_all(&input).expect("output");
    eprint!("{} bytes", input.len());
}

fn wait_for_end() -> ! {
    loop {
        std::thread::park();
    }
}
