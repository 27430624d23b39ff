//! The system call filters. They refuse by list: what a reader or an engine has no business asking for answers "not
//! permitted", and calls newer than the list answer "not known", which the C library takes as an older kernel.

use libc::{EPERM, c_long};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Op, SeccompCondition as Condition,
    SeccompFilter, SeccompRule as Rule, TargetArch, sock_filter,
};
use std::collections::BTreeMap;
use std::io;

type Rules = BTreeMap<c_long, Vec<Rule>>;

/// Calls from this number on did not exist when the list was made. The number space of x32 lies above it too.
const UNKNOWN_FROM: u32 = 451;

/// Sockets, and the ring that could open them unseen.
const SOCKETS: &[c_long] = &[
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
];

/// What a confined process never asks for.
const REFUSED: &[c_long] = &[
    // other programs and processes
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_process_mrelease,
    libc::SYS_kcmp,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
    libc::SYS_setpriority,
    // namespaces and mounts
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_mount_setattr,
    // the kernel's own doors
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_quotactl,
    libc::SYS_acct,
    libc::SYS_syslog,
    libc::SYS_personality,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_vhangup,
    libc::SYS_setrlimit,
    // memory that the cap does not count, and messages between processes
    libc::SYS_memfd_create,
    libc::SYS_memfd_secret,
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_msgget,
    libc::SYS_semget,
    libc::SYS_mq_open,
    // files by other doors, and their metadata, which Landlock does not cover
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_inotify_init1,
    libc::SYS_truncate,
    libc::SYS_mknodat,
    libc::SYS_mkdirat,
    libc::SYS_unlinkat,
    libc::SYS_renameat2,
    libc::SYS_linkat,
    libc::SYS_symlinkat,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_utimensat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
];

/// Older forms that only this processor family still has.
#[cfg(target_arch = "x86_64")]
const REFUSED_HERE: &[c_long] = &[
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_kexec_file_load,
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_modify_ldt,
    libc::SYS_uselib,
    libc::SYS_inotify_init,
    libc::SYS_creat,
    libc::SYS_mknod,
    libc::SYS_mkdir,
    libc::SYS_rmdir,
    libc::SYS_unlink,
    libc::SYS_rename,
    libc::SYS_renameat,
    libc::SYS_link,
    libc::SYS_symlink,
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_futimesat,
];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_HERE: &[c_long] = &[];

/// Refuses sockets and nothing else: for every child that is started without network, before its first instruction.
pub(super) fn no_sockets() -> Result<BpfProgram, String> {
    let mut program = compile(always(SOCKETS), EPERM)?;
    let mut whole = unknown_from(UNKNOWN_X32);
    whole.append(&mut program);
    Ok(whole)
}

/// What a program that is not ours lives under, from before its first instruction. Its own start is one `execve` and the
/// loader maps libraries as code; which programs may be run is up to Landlock.
pub(super) fn foreign() -> Result<BpfProgram, String> {
    const ITS_START: &[c_long] = &[libc::SYS_execve, libc::SYS_prlimit64];
    let mut rules = always(REFUSED);
    rules.append(&mut always(REFUSED_HERE));
    rules.append(&mut always(SOCKETS));
    rules.retain(|call, _| !ITS_START.contains(call));
    let flag = |bits: libc::c_int| u64::from(bits as u32);
    rules.insert(libc::SYS_clone, vec![when(0, Op::MaskedEq(flag(libc::CLONE_THREAD)), 0)?]);
    rules.insert(libc::SYS_openat, opening(2, false)?);
    #[cfg(target_arch = "x86_64")]
    rules.insert(libc::SYS_open, opening(1, false)?);
    rules.insert(libc::SYS_prlimit64, vec![when(0, Op::Ne, 0)?, rule(2, Len::Qword, Op::Ne, 0)?]);
    // Anonymous memory is private, so that the cap counts it.
    let shared = flag(libc::MAP_SHARED | libc::MAP_ANONYMOUS);
    rules.insert(libc::SYS_mmap, vec![when(3, Op::MaskedEq(shared), shared)?]);
    let mut refuse = compile(rules, EPERM)?;
    let mut whole = unknown_from(UNKNOWN_FROM);
    for number in [libc::SYS_clone3, libc::SYS_openat2] {
        whole.append(&mut not_known(Jump::Equal, number as u32));
    }
    whole.append(&mut refuse);
    Ok(whole)
}

/// Files are opened for reading; beside a device, writing is left to Landlock.
fn opening(argument: u8, device: bool) -> Result<Vec<Rule>, String> {
    let flag = |bits: libc::c_int| u64::from(bits as u32);
    let access = flag(libc::O_ACCMODE);
    let for_write = [libc::O_WRONLY, libc::O_RDWR].map(|mode| when(argument, Op::MaskedEq(access), flag(mode)));
    let making = [libc::O_CREAT, libc::O_TRUNC].map(|making| when(argument, Op::MaskedEq(flag(making)), flag(making)));
    for_write.into_iter().filter(|_| !device).chain(making).collect()
}

/// What a confined process lives under. One that uses a device opens its nodes for writing, again and again; that it
/// opens nothing else so is then up to Landlock.
pub(super) fn confined(network: bool, device: bool) -> Result<BpfProgram, String> {
    let mut rules = always(REFUSED);
    rules.append(&mut always(REFUSED_HERE));
    if !network {
        rules.append(&mut always(SOCKETS));
    }
    let bits = |argument, bits: u64| when(argument, Op::MaskedEq(bits), bits);
    let flag = |bits: libc::c_int| u64::from(bits as u32);
    // Threads may be started, processes not.
    let thread = flag(libc::CLONE_THREAD);
    rules.insert(libc::SYS_clone, vec![when(0, Op::MaskedEq(thread), 0)?]);
    // Anonymous memory is private, so that the cap counts it; no memory becomes code.
    let code = flag(libc::PROT_EXEC);
    rules.insert(libc::SYS_mmap, vec![bits(3, flag(libc::MAP_SHARED | libc::MAP_ANONYMOUS))?, bits(2, code)?]);
    rules.insert(libc::SYS_mprotect, vec![bits(2, code)?]);
    rules.insert(libc::SYS_pkey_mprotect, vec![bits(2, code)?]);
    rules.insert(libc::SYS_openat, opening(2, device)?);
    #[cfg(target_arch = "x86_64")]
    rules.insert(libc::SYS_open, opening(1, device)?);
    // Limits can be read; setting them, or another process's, is over. Signals go to this process's own threads.
    rules.insert(libc::SYS_prlimit64, vec![when(0, Op::Ne, 0)?, rule(2, Len::Qword, Op::Ne, 0)?]);
    rules.insert(libc::SYS_tgkill, vec![when(0, Op::Ne, u64::from(std::process::id()))?]);
    let mut refuse = compile(rules, EPERM)?;
    // These two take their wishes in memory that a filter cannot read; the C library then uses the older calls.
    let mut whole = unknown_from(UNKNOWN_FROM);
    for number in [libc::SYS_clone3, libc::SYS_openat2] {
        whole.append(&mut not_known(Jump::Equal, number as u32));
    }
    whole.append(&mut refuse);
    Ok(whole)
}

/// Puts a filter on the calling thread and all that it starts. Allocates nothing when it succeeds.
pub(super) fn apply(program: &BpfProgram) -> io::Result<()> {
    seccompiler::apply_filter(program).map_err(refused)
}

/// Puts a filter on all threads of this process.
pub(super) fn apply_to_all(program: &BpfProgram) -> io::Result<()> {
    seccompiler::apply_filter_all_threads(program).map_err(refused)
}

fn refused(error: seccompiler::Error) -> io::Error {
    match error {
        seccompiler::Error::Prctl(error) | seccompiler::Error::Seccomp(error) => error,
        _ => io::Error::from_raw_os_error(libc::EINVAL),
    }
}

fn always(calls: &[c_long]) -> Rules {
    calls.iter().map(|call| (*call, Vec::new())).collect()
}

/// A rule on a 32-bit argument.
fn when(argument: u8, op: Op, value: u64) -> Result<Rule, String> {
    rule(argument, Len::Dword, op, value)
}

fn rule(argument: u8, len: Len, op: Op, value: u64) -> Result<Rule, String> {
    let condition = Condition::new(argument, len, op, value).map_err(|error| error.to_string())?;
    Rule::new(vec![condition]).map_err(|error| error.to_string())
}

fn compile(rules: Rules, errno: i32) -> Result<BpfProgram, String> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(|error| error.to_string())?;
    SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(errno as u32), arch)
        .and_then(BpfProgram::try_from)
        .map_err(|error| error.to_string())
}

/// Where the numbers of x32 begin: the same calls under other numbers, which a list of numbers would miss.
const UNKNOWN_X32: u32 = 0x4000_0000;

#[derive(Clone, Copy)]
enum Jump {
    Equal,
    From,
}

fn unknown_from(number: u32) -> BpfProgram {
    not_known(Jump::From, number)
}

/// Three instructions before a compiled filter: load the call's number, compare, answer ENOSYS. Names as in the
/// kernel's `linux/filter.h` and `linux/seccomp.h`; `struct seccomp_data` has the number at offset 0.
fn not_known(jump: Jump, number: u32) -> BpfProgram {
    let code = match jump {
        Jump::Equal => libc::BPF_JEQ,
        Jump::From => libc::BPF_JGE,
    };
    let answer = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;
    vec![
        sock_filter { code: (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16, jt: 0, jf: 0, k: 0 },
        sock_filter { code: (libc::BPF_JMP | code | libc::BPF_K) as u16, jt: 0, jf: 1, k: number },
        sock_filter { code: (libc::BPF_RET | libc::BPF_K) as u16, jt: 0, jf: 0, k: answer },
    ]
}
