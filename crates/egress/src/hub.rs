//! What a Hugging Face repository says of its files, and where they lie. Repositories, revisions and the cache of other
//! programs are named by the `hf-hub` crate; the requests go through our gate: that crate's clients read tokens from the
//! environment and the home directory and follow redirects unasked, so they are not even built.

use crate::error::DownloadError;
use crate::gate::{Gate, Get};
use crate::keep::{Check, Expected};
use crate::law::Purpose;
use crate::manifest::ModelEntry;
use hearth_domain::BlobHash;
use hf_hub::{Repo, RepoType};
use serde::Deserialize;

/// The most that is read of what a repository says of itself, bytes.
const METADATA_BYTES: u64 = 16 << 20;

/// What will be fetched from a repository.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The commit, or the branch where the hashes are known beforehand.
    pub(crate) revision: String,
    /// The files, in the order of the entry.
    pub(crate) files: Vec<Expected>,
}

/// Settles which bytes will be fetched. Where the manifest has every hash nothing is asked; else the repository names
/// its commit, sizes and hashes, and these hold from then on.
pub(crate) async fn plan(
    gate: &Gate,
    entry: &ModelEntry,
    repo: &str,
    revision: Option<&str>,
    folder: Option<&str>,
) -> Result<Plan, DownloadError> {
    let wanted = revision.unwrap_or("main");
    if let Some(files) = pinned(entry) {
        return Ok(Plan { revision: wanted.to_owned(), files });
    }
    let place = format!("Hugging Face ({repo})");
    let named = Repo::with_revision(repo.to_owned(), RepoType::Model, wanted.to_owned());
    let url =
        format!("{}/api/models/{}/revision/{}?blobs=true", gate.settings().hub, named.url(), named.url_revision());
    let get = Get { purpose: Purpose::ModelMetadata, url, from: 0, limit_bytes: METADATA_BYTES };
    let reply = gate.get(&get).await?;
    let status = reply.status();
    if status != 200 {
        return Err(DownloadError::Status { place, status });
    }
    let body = reply.body().await?;
    read_plan(entry, &place, folder, &body)
}

/// The expected bytes of an entry whose sizes and hashes all stand in the manifest.
pub(crate) fn pinned(entry: &ModelEntry) -> Option<Vec<Expected>> {
    let file = |file: &crate::manifest::ModelFile| {
        Some(Expected { name: file.name.clone(), size: file.size?, check: Check::Sha256(file.sha256?) })
    };
    entry.files.iter().map(file).collect()
}

fn read_plan(entry: &ModelEntry, place: &str, folder: Option<&str>, body: &[u8]) -> Result<Plan, DownloadError> {
    let wrong = |reason: String| DownloadError::Metadata { place: place.to_owned(), reason };
    let info: ModelInfo = serde_json::from_slice(body).map_err(|error| wrong(error.to_string()))?;
    let is_commit = |sha: &String| sha.len() == 40 && sha.bytes().all(|byte| byte.is_ascii_hexdigit());
    let revision = info.sha.filter(is_commit).ok_or_else(|| wrong("no commit is named".to_owned()))?;
    let siblings = info.siblings;
    let mut files = Vec::new();
    for file in &entry.files {
        let path = path_in(folder, &file.name);
        let sibling = siblings.iter().find(|sibling| sibling.rfilename == path);
        let missing = || DownloadError::Missing { file: path.clone(), place: place.to_owned() };
        let sibling = sibling.ok_or_else(missing)?;
        let lfs = sibling.lfs.as_ref();
        let size = lfs.and_then(|lfs| lfs.size).or(sibling.size);
        let size = size.ok_or_else(|| wrong(format!("{path} has no size")))?;
        let check = match lfs.and_then(|lfs| lfs.sha256.clone()) {
            Some(hex) => Check::Sha256(BlobHash::try_from(hex).map_err(|error| wrong(format!("{path}: {error}")))?),
            // Small files stand in git itself and are named by git's own object id.
            None => Check::GitBlob(sibling.object_id().ok_or_else(|| wrong(format!("{path} has no hash")))?),
        };
        // What the manifest knows outranks what the repository says today.
        if let (Some(known), Check::Sha256(said)) = (file.sha256, &check)
            && known != *said
        {
            return Err(DownloadError::Mismatch { file: path, expected: known.to_string(), found: *said });
        }
        files.push(Expected { name: file.name.clone(), size, check });
    }
    Ok(Plan { revision, files })
}

/// What the repository says of itself: only what a download needs.
#[derive(Debug, Deserialize)]
struct ModelInfo {
    sha: Option<String>,
    #[serde(default)]
    siblings: Vec<Sibling>,
}

/// One file of a repository.
#[derive(Debug, Deserialize)]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    #[serde(rename = "blobId")]
    blob_id: Option<String>,
    lfs: Option<Lfs>,
}

/// What stands in git for a large file.
#[derive(Debug, Deserialize)]
struct Lfs {
    size: Option<u64>,
    sha256: Option<String>,
}

impl Sibling {
    fn object_id(&self) -> Option<String> {
        let id = self.blob_id.as_ref()?;
        (id.len() == 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| id.to_ascii_lowercase())
    }
}

/// The path of a file in a repository.
fn path_in(folder: Option<&str>, name: &str) -> String {
    folder.map_or_else(|| name.to_owned(), |folder| format!("{folder}/{name}"))
}

/// The address of one file at one revision.
pub(crate) fn file_url(gate: &Gate, repo: &str, revision: &str, folder: Option<&str>, name: &str) -> String {
    let named = Repo::with_revision(repo.to_owned(), RepoType::Model, revision.to_owned());
    format!("{}/{}/resolve/{}/{}", gate.settings().hub, named.url(), named.url_revision(), path_in(folder, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Manifest;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn check(siblings: &str, expect: Result<&[(&str, u64)], &str>) {
        let text = "[[model]]\nid='x'\nname='X'\nroles=['embed']\narchitecture='bert'\nquantization='F32'\nparameters=1\n\
                    licence='MIT'\npermissive=true\nn_ctx=1\nfiles=[{name='m.bin'},{name='c.json'}]\n";
        let manifest = Manifest::parse(text, None).expect("a manifest");
        let body = format!("{{\"id\":\"a/b\",\"sha\":\"{COMMIT}\",\"siblings\":[{siblings}]}}");
        let plan = read_plan(&manifest.models[0], "here", Some("onnx"), body.as_bytes());
        match (plan, expect) {
            (Ok(plan), Ok(files)) => {
                assert_eq!(plan.revision, COMMIT);
                let found: Vec<_> = plan.files.iter().map(|file| (file.name.as_str(), file.size)).collect();
                assert_eq!(found, files);
            }
            (Err(error), Err(word)) => assert!(error.to_string().contains(word), "{error}"),
            (plan, expect) => panic!("{plan:?}, not {expect:?}"),
        }
    }

    #[test]
    fn metadata_gives_size_and_hash_of_each_file_or_says_what_is_missing() {
        let large = format!(
            "{{\"rfilename\":\"onnx/m.bin\",\"size\":9,\"lfs\":{{\"sha256\":\"{}\",\"size\":9,\"pointerSize\":5}}}}",
            "ab".repeat(32)
        );
        let small = format!("{{\"rfilename\":\"onnx/c.json\",\"size\":3,\"blobId\":\"{COMMIT}\"}}");
        check(&format!("{large},{small}"), Ok(&[("m.bin", 9), ("c.json", 3)]));
        check(&large, Err("does not hold onnx/c.json"));
        check(&format!("{large},{}", small.replace("blobId", "id")), Err("onnx/c.json has no hash"));
        check(&format!("{},{small}", large.replace("abab", "zz")), Err("hexadecimal"));
        check("{", Err("does not say"));
    }
}
