//! What may be said at the start of the program.

use std::ffi::OsString;
use std::path::PathBuf;

/// What was said, with defaults for the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// Where Hearth keeps its data.
    pub(crate) data_dir: PathBuf,
    /// Whether the folder was named, so that it is not a person's usual one.
    pub(crate) data_dir_given: bool,
    /// The profile, where it is not the usual one.
    pub(crate) profile: Option<String>,
    /// Where models are kept, if not with the data.
    pub(crate) models_dir: Option<PathBuf>,
    /// Whether a test may drive the window.
    pub(crate) test_automation: bool,
    /// Where a test serves models from.
    pub(crate) test_mirror: Option<hearth_kernel::TestMirror>,
    /// Whether to print when the page first asks for its stream: it is drawn and takes input from then on.
    pub(crate) report_ready: bool,
}

/// Why the program does not start.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Help was asked for.
    Help(String),
    /// It made no sense.
    Usage(String),
}

const HELP: &str = "Hearth: a private AI operating system for the desktop.

Usage: hearth-desktop [--data-dir DIR]

  --data-dir DIR      keep everything in DIR instead of the usual place
  --profile NAME      on a shared machine: the profile of this person, a vault of its own
  --models-dir DIR    keep models in DIR instead of the data folder
  --report-ready      print a line when the window takes input (for measuring)
  --test-automation   let a test drive the window; only together with --data-dir
  --test-mirror PORT MANIFEST   fetch models from this port of 127.0.0.1; only together with --test-automation
  --help              this text

The `hearth` command does the same without a window.";

impl Arguments {
    /// Reads the arguments after the program's name.
    pub(crate) fn read(mut words: impl Iterator<Item = OsString>) -> Result<Self, Refused> {
        let usage = |text: String| Refused::Usage(format!("hearth-desktop: {text}\nTry --help."));
        let (mut data_dir, mut models_dir, mut test_automation, mut report_ready) = (None, None, false, false);
        let (mut test_mirror, mut profile) = (None, None);
        while let Some(word) = words.next() {
            match word.to_str() {
                Some("--help" | "-h") => return Err(Refused::Help(HELP.to_owned())),
                Some("--test-automation") => test_automation = true,
                Some("--report-ready") => report_ready = true,
                Some("--test-mirror") => {
                    let port = words.next().and_then(|port| port.to_str()?.parse().ok());
                    let manifest = words.next().filter(|file| !file.is_empty()).map(PathBuf::from);
                    let both = port.zip(manifest);
                    let (port, manifest) =
                        both.ok_or_else(|| usage("--test-mirror wants a port and a file.".into()))?;
                    test_mirror = Some(hearth_kernel::TestMirror { port, manifest });
                }
                Some("--profile") => {
                    let name = words.next().and_then(|name| name.into_string().ok());
                    let name = name.ok_or_else(|| usage("--profile wants a name.".into()))?;
                    hearth_kernel::Config::for_profile("", &name).map_err(|error| usage(error.message))?;
                    profile = Some(name);
                }
                Some(name @ ("--data-dir" | "--models-dir")) => {
                    let folder = words.next().filter(|folder| !folder.is_empty());
                    let folder = folder.ok_or_else(|| usage(format!("{name} wants a folder.")))?;
                    let folder = std::path::absolute(&folder).unwrap_or_else(|_| PathBuf::from(&folder));
                    *(if name == "--data-dir" { &mut data_dir } else { &mut models_dir }) = Some(folder);
                }
                _ => return Err(usage(format!("unknown argument {:?}.", word.to_string_lossy()))),
            }
        }
        if test_automation && data_dir.is_none() {
            return Err(usage(
                "--test-automation wants --data-dir: a test never drives a person's own vault.".to_owned(),
            ));
        }
        if test_mirror.is_some() && !test_automation {
            return Err(usage(
                "--test-mirror wants --test-automation: people's models come from their hub.".to_owned(),
            ));
        }
        let data_dir_given = data_dir.is_some() || profile.is_some();
        let data_dir = data_dir.unwrap_or_else(hearth_kernel::default_data_dir);
        Ok(Self { data_dir, data_dir_given, profile, models_dir, test_automation, test_mirror, report_ready })
    }

    /// What the kernel is told at its start.
    pub(crate) fn config(&self, bundled_models: Option<PathBuf>) -> hearth_kernel::Config {
        let named = self.profile.as_deref().map(|name| hearth_kernel::Config::for_profile(&self.data_dir, name));
        let mut config = named.and_then(Result::ok).unwrap_or_else(|| hearth_kernel::Config::new(&self.data_dir));
        if self.models_dir.is_some() {
            config.models_dir.clone_from(&self.models_dir);
        }
        config.bundled_models = bundled_models;
        config.test_mirror.clone_from(&self.test_mirror);
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Arguments, Refused> {
        Arguments::read(words.iter().map(OsString::from))
    }

    #[test]
    fn a_folder_can_be_named() {
        let arguments = read(&["--data-dir", "/tmp/with space"]).unwrap();
        assert_eq!(arguments.data_dir, PathBuf::from("/tmp/with space"));
        assert!(arguments.data_dir_given && !arguments.test_automation);
        assert!(!read(&[]).unwrap().data_dir_given);
    }

    #[test]
    fn automation_never_meets_a_persons_own_vault() {
        assert!(matches!(read(&["--test-automation"]), Err(Refused::Usage(_))));
        assert!(read(&["--test-automation", "--data-dir", "/tmp/x"]).unwrap().test_automation);
    }

    #[test]
    fn a_mirror_is_for_tests_alone() {
        let mirror = ["--data-dir", "/tmp/x", "--test-mirror", "8080", "/tmp/m.toml"];
        assert!(matches!(read(&mirror), Err(Refused::Usage(_))));
        let both = read(&[&mirror[..], &["--test-automation"]].concat()).unwrap();
        assert_eq!(both.test_mirror.clone().map(|mirror| mirror.port), Some(8080));
        assert!(both.config(None).test_mirror.is_some() && read(&[]).unwrap().config(None).test_mirror.is_none());
        assert!(matches!(read(&["--test-mirror", "x", "/tmp/m.toml"]), Err(Refused::Usage(_))));
    }

    #[test]
    fn nonsense_is_refused() {
        for words in [&["--data-dir"][..], &["--data-dir", ""], &["--models-dir"], &["file.pdf"], &["--unknown"]] {
            assert!(matches!(read(words), Err(Refused::Usage(_))), "{words:?}");
        }
        assert!(matches!(read(&["--help"]), Err(Refused::Help(_))));
    }
}
