//! Hugging Face files from a local test hub, in the layout of Python's `huggingface_hub`.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "server/hub.rs"]
mod hub;
mod server;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use burn_zoo_core::fetch::{
    Cache, Fetcher, HubFile, Links, Network, Patience, Progress, Remote, State, Terms, Token,
};
use burn_zoo_core::weights::Licence;
use burn_zoo_core::{Error, FileLock};
use hub::{COMMIT, Hub, git_blob, sha256};
use server::Reply;
use tempfile::TempDir;

const OTHER: &str = "2222222222222222222222222222222222222222";
const MODEL: (&str, &str) = ("me/net", "model.safetensors");

/// 100,000 bytes.
fn content() -> Vec<u8> {
    (0..100_000_u32)
        .map(|n| (n.wrapping_mul(n) / 7) as u8)
        .collect()
}

fn temporary() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn fetcher(folder: &Path, hub: &Hub) -> Fetcher {
    let mut fetcher = Fetcher::new(Cache::new(folder));
    fetcher.hub.endpoint = hub.server.base.clone();
    fetcher.patience = Patience {
        connect: Duration::from_secs(5),
        read: Duration::from_secs(2),
        attempts: 3,
        delay: Duration::from_millis(5),
    };
    fetcher
}

fn name(text: &str) -> HubFile {
    text.parse().unwrap()
}

fn get(fetcher: &Fetcher, text: &str) -> Result<PathBuf, Error> {
    fetcher.hub(&name(text), &mut |_| ())
}

/// Checks that the error has all of these parts.
#[track_caller]
fn fails(fetcher: &Fetcher, text: &str, parts: &[&str]) {
    let message = get(fetcher, text).unwrap_err().to_string();
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }
}

/// Creates a file on branch `main` as Python programs do.
fn by_python(folder: &Path, file: &str, bytes: &[u8]) -> PathBuf {
    let repo = folder.join("models--me--net");
    let snapshot = repo.join("snapshots").join(COMMIT);
    for folder in ["blobs", "refs"].map(|it| repo.join(it)) {
        fs::create_dir_all(folder).unwrap();
    }
    fs::create_dir_all(&snapshot).unwrap();
    fs::write(repo.join("refs/main"), COMMIT).unwrap();
    let blob = sha256(bytes);
    fs::write(repo.join("blobs").join(&blob), bytes).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(format!("../../blobs/{blob}"), snapshot.join(file)).unwrap();
    #[cfg(not(unix))]
    fs::copy(repo.join("blobs").join(&blob), snapshot.join(file)).unwrap();
    snapshot.join(file)
}

#[test]
fn a_file_is_fetched_once_and_lies_where_huggingface_hub_has_it() {
    let (folder, bytes) = (temporary(), content());
    let hub = Hub::of(&[
        ("me/net", "model.safetensors", &bytes),
        ("me/net", "config.json", b"{}"),
        ("me/net", "a/b c.bin", b"small"),
    ]);
    let mut fetcher = fetcher(folder.path(), &hub);
    fetcher.token = Some(Token::new(hub::TOKEN));
    let repo = folder.path().join("models--me--net");
    let path = get(&fetcher, "hf:me/net").unwrap();
    assert_eq!(
        path,
        repo.join(format!("snapshots/{COMMIT}/model.safetensors"))
    );
    assert!(fs::read(&path).unwrap() == bytes);
    assert_eq!(fs::read_to_string(repo.join("refs/main")).unwrap(), COMMIT);
    let blob = sha256(&bytes);
    let lock = format!(".locks/models--me--net/{blob}.lock");
    assert!(folder.path().join(lock).is_file());
    let blobs = || fs::read_dir(repo.join("blobs")).unwrap().count();
    assert_eq!(blobs(), 1);
    #[cfg(unix)]
    assert_eq!(
        fs::read_link(&path).unwrap(),
        Path::new(&format!("../../blobs/{blob}"))
    );

    let config = get(&fetcher, "hf:me/net/config.json").unwrap();
    #[cfg(unix)]
    assert_eq!(
        fs::read_link(config).unwrap(),
        Path::new(&format!("../../blobs/{}", git_blob(b"{}")))
    );
    assert_eq!(blobs(), 2);

    // A second request confirms that it is the newest; a commit needs no request.
    get(&fetcher, "hf:me/net").unwrap();
    get(&fetcher, &format!("hf:me/net@{COMMIT}")).unwrap();
    let main = "/me/net/resolve/main";
    let at_commit = format!("/me/net/resolve/{COMMIT}");
    let expected = [
        format!("HEAD {main}/model.safetensors"),
        format!("GET {at_commit}/model.safetensors"),
        format!("HEAD {main}/config.json"),
        format!("GET {at_commit}/config.json"),
        format!("HEAD {main}/model.safetensors"),
    ];
    assert_eq!(hub.asked(), expected);
    // Only the hub receives the token.
    let authorized = |seen: &server::Seen| seen.header("authorization").is_some();
    assert!(hub.server.seen().iter().all(authorized));
    let large = hub.cdn.seen();
    assert_eq!(large.len(), 1);
    assert!(!authorized(&large[0]));
    assert_eq!(large[0].path, format!("/{blob}?Signature=a/b~c&Expires=1"));
}

#[test]
fn a_file_in_a_folder_of_a_pull_request_is_linked_and_remembered() {
    let folder = temporary();
    let hub = Hub::of(&[("me/net", "runs/1/best.pth", b"values")]);
    let revisions = [("refs/pr/1", OTHER), ("v1", COMMIT)];
    for (revision, commit) in revisions {
        hub.state
            .lock()
            .unwrap()
            .revisions
            .insert(revision.into(), commit.into());
    }
    let fetcher = fetcher(folder.path(), &hub);
    let repo = folder.path().join("models--me--net");
    for (revision, commit) in revisions {
        let path = get(&fetcher, &format!("hf:me/net@{revision}/runs/1/best.pth")).unwrap();
        assert_eq!(
            path,
            repo.join(format!("snapshots/{commit}/runs/1/best.pth"))
        );
        assert_eq!(fs::read(&path).unwrap(), b"values");
        let remembered = fs::read_to_string(repo.join("refs").join(revision)).unwrap();
        assert_eq!(remembered, commit);
    }
    assert_eq!(
        hub.asked()[0],
        "HEAD /me/net/resolve/refs%2Fpr%2F1/runs/1/best.pth"
    );
    // The second commit has the same file.
    assert_eq!(hub.cdn.seen().len(), 1);
}

#[test]
fn a_repository_that_was_renamed_is_found_under_its_old_name() {
    let (folder, hub) = (temporary(), Hub::of(&[(MODEL.0, MODEL.1, b"values")]));
    let renamed = ("me/old".to_owned(), "me/net".to_owned());
    hub.state.lock().unwrap().renamed.extend([renamed]);
    let mut fetcher = fetcher(folder.path(), &hub);
    fetcher.token = Some(Token::new(hub::TOKEN));
    let path = get(&fetcher, "hf:me/old").unwrap();
    assert!(
        path.starts_with(folder.path().join("models--me--old")),
        "{path:?}"
    );
    assert_eq!(fs::read(path).unwrap(), b"values");
    let authorized = |seen: &server::Seen| seen.header("authorization").is_some();
    assert!(hub.server.seen().iter().all(authorized));
    assert!(!hub.cdn.seen().iter().any(authorized));
}

#[test]
fn what_python_fetched_is_used_and_never_fetched_again() {
    let (folder, bytes) = (temporary(), content());
    let hub = Hub::of(&[(MODEL.0, MODEL.1, &bytes)]);
    let path = by_python(folder.path(), MODEL.1, &bytes);
    let mut fetcher = fetcher(folder.path(), &hub);
    assert_eq!(get(&fetcher, "hf:me/net").unwrap(), path);
    assert_eq!(hub.asked(), ["HEAD /me/net/resolve/main/model.safetensors"]);

    fetcher.hub.network = Network::Offline;
    assert_eq!(get(&fetcher, "hf:me/net").unwrap(), path);
    fails(
        &fetcher,
        "hf:me/net@v2",
        &["HF_HUB_OFFLINE", "models--me--net"],
    );
    fetcher.network = Network::Offline;
    assert_eq!(get(&fetcher, "hf:me/net/model.safetensors").unwrap(), path);
    fails(
        &fetcher,
        "hf:me/other",
        &["BURN_ZOO_OFFLINE", "/me/other/resolve/main/model"],
    );
    assert_eq!(hub.asked().len(), 1);
    assert_eq!(fetcher.hub.find(&name("hf:me/net")), Some(path));
}

#[test]
fn where_the_hub_does_not_answer_what_is_here_is_used_and_that_is_said() {
    let (folder, bytes) = (temporary(), content());
    let hub = Hub::of(&[("me/gated", "x.json", b"{}")]);
    let path = by_python(folder.path(), "pytorch_model.bin", &bytes);
    let mut fetcher = fetcher(folder.path(), &hub);
    let notes = |fetcher: &Fetcher| {
        let mut notes = Vec::new();
        let mut listen = |step| notes.push(step);
        assert_eq!(fetcher.hub(&name("hf:me/net"), &mut listen).unwrap(), path);
        match &notes[..] {
            [Progress::Unchecked { reason }] => reason.clone(),
            other => panic!("{other:?}"),
        }
    };
    hub.state.lock().unwrap().troubles = vec![Reply::status("503 Service Unavailable")];
    assert!(notes(&fetcher).contains("503 Service Unavailable"));
    // The repository has been closed in the meantime.
    assert!(notes(&fetcher).contains("private"));
    // Another server answers.
    hub.state.lock().unwrap().troubles = vec![Reply::status("200 OK")];
    assert!(notes(&fetcher).contains("does not answer like a hub"));
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    fetcher.hub.endpoint = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    assert!(notes(&fetcher).contains("refused"));
}

#[test]
fn a_newer_commit_of_the_branch_is_fetched_and_the_older_one_stays() {
    let (folder, bytes) = (temporary(), content());
    let hub = Hub::of(&[(MODEL.0, MODEL.1, &bytes)]);
    let fetcher = fetcher(folder.path(), &hub);
    let first = get(&fetcher, "hf:me/net").unwrap();
    {
        let mut state = hub.state.lock().unwrap();
        state.revisions.insert("main".into(), OTHER.into());
        let key = (MODEL.0.to_owned(), MODEL.1.to_owned());
        state.files.insert(key, b"newer".to_vec());
    }
    let second = get(&fetcher, "hf:me/net").unwrap();
    assert_eq!(fs::read(&second).unwrap(), b"newer");
    assert!(fs::read(&first).unwrap() == bytes);
    let main = folder.path().join("models--me--net/refs/main");
    assert_eq!(fs::read_to_string(main).unwrap(), OTHER);
}

#[test]
fn without_a_file_the_usual_names_are_tried() {
    let folder = temporary();
    let index = br#"{"metadata": {}, "weight_map": {"a": "m-1.safetensors", "b": "m-2.safetensors", "c": "m-1.safetensors"}}"#;
    let hub = Hub::of(&[
        ("me/old", "pytorch_model.bin", b"pickle"),
        ("me/large", "model.safetensors.index.json", index),
        ("me/large", "m-1.safetensors", b"first"),
        ("me/large", "m-2.safetensors", b"second"),
        ("me/pickles", "pytorch_model.bin.index.json", b"{}"),
        ("me/own", "nets/best.pth", b"x"),
        ("me/own", "README.json", b"x"),
        (
            "me/broken",
            "model.safetensors.index.json",
            br#"{"weight_map": {"a": "../x"}}"#,
        ),
        (
            "me/lacks",
            "model.safetensors.index.json",
            br#"{"weight_map": {"a": "gone.safetensors"}}"#,
        ),
    ]);
    let mut fetcher = fetcher(folder.path(), &hub);
    let old = get(&fetcher, "hf:me/old").unwrap();
    assert!(old.ends_with("pytorch_model.bin"));
    // A missing file is recorded as in Python.
    let absent = format!("models--me--old/.no_exist/{COMMIT}/model.safetensors");
    assert_eq!(fs::read(folder.path().join(absent)).unwrap(), b"");
    let before = hub.asked().len();
    get(&fetcher, &format!("hf:me/old@{COMMIT}")).unwrap();
    assert_eq!(hub.asked().len(), before);

    let large = get(&fetcher, "hf:me/large").unwrap();
    assert!(large.ends_with("model.safetensors.index.json"));
    let beside = |shard: &str| fs::read(large.with_file_name(shard)).unwrap();
    assert_eq!(
        (beside("m-1.safetensors"), beside("m-2.safetensors")),
        (b"first".to_vec(), b"second".to_vec())
    );
    let before = hub.asked().len();
    fetcher.network = Network::Offline;
    assert_eq!(get(&fetcher, "hf:me/large").unwrap(), large);
    assert_eq!(hub.asked().len(), before);
    fetcher.network = Network::Online;

    fails(
        &fetcher,
        "hf:me/pickles",
        &["sharded pickles", "not supported", "safetensors"],
    );
    let named = "hf:me/pickles/pytorch_model.bin.index.json";
    fails(&fetcher, named, &["sharded pickles", "not supported"]);
    let tried = [
        "none of model.safetensors, pytorch_model.bin",
        "it has nets/best.pth:",
    ];
    fails(&fetcher, "hf:me/own", &tried);
    fails(
        &fetcher,
        "hf:me/own/x.pth",
        &["has no x.pth", "nets/best.pth"],
    );
    fails(
        &fetcher,
        "hf:me/broken",
        &["\"../x\"", "not a file in the same folder"],
    );
    fails(&fetcher, "hf:me/lacks", &["lists gone.safetensors"]);
}

#[test]
fn each_refusal_says_what_it_is_and_what_to_do() {
    let folder = temporary();
    let hub = Hub::of(&[
        ("me/gated", "model.safetensors", b"x"),
        ("me/private", "model.safetensors", b"x"),
        ("me/net", "model.safetensors", b"x"),
    ]);
    let mut fetcher = fetcher(folder.path(), &hub);
    let page = format!("{}/me/gated", hub.server.base);
    fails(
        &fetcher,
        "hf:me/gated",
        &["hf:me/gated: it is gated", &page, "HF_TOKEN"],
    );
    for absent in ["hf:me/private", "hf:me/nothing"] {
        fails(
            &fetcher,
            absent,
            &["does not exist, or it is private", "hf auth login"],
        );
    }
    fails(&fetcher, "hf:me/net@v9", &["no branch, tag or commit v9"]);
    fetcher.token = Some(Token::new("hf_wrong"));
    fails(&fetcher, "hf:me/net", &["your token is not valid"]);
    fetcher.token = Some(Token::new(hub::TOKEN));
    assert_eq!(
        fs::read(get(&fetcher, "hf:me/gated").unwrap()).unwrap(),
        b"x"
    );
    get(&fetcher, "hf:me/private").unwrap();
    assert!(
        !hub.cdn
            .seen()
            .iter()
            .any(|seen| seen.header("authorization").is_some())
    );
}

#[test]
fn a_hub_in_trouble_is_asked_again_after_the_time_that_it_wants() {
    let folder = temporary();
    let hub = Hub::of(&[("me/net", "model.safetensors", b"x")]);
    hub.state.lock().unwrap().troubles = vec![
        Reply::status("500 Internal Server Error"),
        Reply::status("429 Too Many Requests").with("Retry-After: 1".into()),
    ];
    let mut waits = Vec::new();
    let path = fetcher(folder.path(), &hub).hub(&name("hf:me/net"), &mut |step| {
        if let Progress::Retrying { after, .. } = step {
            waits.push(after.as_millis());
        }
    });
    assert_eq!(fs::read(path.unwrap()).unwrap(), b"x");
    assert_eq!(waits, [1000, 10]);

    let trouble = || Reply::status("500 Internal Server Error");
    hub.state.lock().unwrap().troubles = vec![trouble(), trouble(), trouble()];
    fails(
        &fetcher(temporary().path(), &hub),
        "hf:me/net",
        &["500 Internal", "(3 tries)"],
    );
}

#[test]
fn a_download_that_ended_early_is_gone_on_with() {
    let (folder, bytes) = (temporary(), content());
    let hub = Hub::of(&[(MODEL.0, MODEL.1, &bytes)]);
    hub.state.lock().unwrap().cuts = vec![20_000];
    let blobs = folder.path().join("models--me--net/blobs");
    fs::create_dir_all(&blobs).unwrap();
    // As older Python versions leave it.
    let part = blobs.join(format!("{}.incomplete", sha256(&bytes)));
    fs::write(&part, &bytes[..30_000]).unwrap();
    let path = get(&fetcher(folder.path(), &hub), "hf:me/net").unwrap();
    assert!(fs::read(path).unwrap() == bytes);
    let from: Vec<_> = hub.cdn.seen().iter().map(server::Seen::from).collect();
    assert_eq!(from, [30_000, 50_000]);
    assert_eq!(hub.cdn.sent(), 70_000);
    assert!(!part.exists());

    // A partial file of other content is discarded.
    let folder = temporary();
    let blobs = folder.path().join("models--me--net/blobs");
    fs::create_dir_all(&blobs).unwrap();
    fs::write(
        blobs.join(format!("{}.incomplete", sha256(&bytes))),
        [7; 1000],
    )
    .unwrap();
    let path = get(&fetcher(folder.path(), &hub), "hf:me/net").unwrap();
    assert!(fs::read(path).unwrap() == bytes);
}

#[test]
fn other_bytes_than_the_hub_promised_are_not_kept() {
    let (folder, bytes) = (temporary(), content());
    let hub = Hub::of(&[(MODEL.0, MODEL.1, &bytes)]);
    hub.state.lock().unwrap().spoilt = Some(vec![1; bytes.len()]);
    let error = get(&fetcher(folder.path(), &hub), "hf:me/net").unwrap_err();
    assert!(matches!(error, Error::Checksum { .. }), "{error}");
    assert!(error.to_string().contains(&sha256(&bytes)), "{error}");
    let repo = folder.path().join("models--me--net");
    let nothing = || {
        assert_eq!(fs::read_dir(repo.join("blobs")).unwrap().count(), 0);
        assert!(!repo.join("snapshots").exists());
    };
    nothing();
    hub.state.lock().unwrap().spoilt = Some(vec![1; 10 * bytes.len()]);
    let more = ["more than the 100000 bytes"];
    fails(&fetcher(folder.path(), &hub), "hf:me/net", &more);
    nothing();
    hub.state.lock().unwrap().spoilt = None;
    let key = ("me/net".to_owned(), "a.json".to_owned());
    hub.state.lock().unwrap().files.insert(key, b"{}".to_vec());
    hub.state.lock().unwrap().spoilt_small = Some(b"[]".to_vec());
    let other = ["does not match its ETag"];
    fails(&fetcher(folder.path(), &hub), "hf:me/net/a.json", &other);
    nothing();
}

#[test]
fn a_file_that_is_shorter_than_the_hub_says_is_fetched_again() {
    let (folder, bytes) = (temporary(), content());
    let hub = Hub::of(&[(MODEL.0, MODEL.1, &bytes)]);
    let path = by_python(folder.path(), MODEL.1, &bytes);
    fs::write(&path, &bytes[..1000]).unwrap();
    assert_eq!(
        get(&fetcher(folder.path(), &hub), "hf:me/net").unwrap(),
        path
    );
    assert!(fs::read(path).unwrap() == bytes);
}

#[test]
fn where_links_fail_files_lie_under_their_names() {
    let (folder, bytes) = (temporary(), content());
    let hub = Hub::of(&[(MODEL.0, MODEL.1, &bytes)]);
    let mut fetcher = fetcher(folder.path(), &hub);
    fetcher.hub.links = Links::Never;
    let path = get(&fetcher, "hf:me/net").unwrap();
    assert!(fs::symlink_metadata(&path).unwrap().is_file());
    assert!(fs::read(&path).unwrap() == bytes);
    get(&fetcher, "hf:me/net").unwrap();
    assert_eq!(hub.cdn.seen().len(), 1);

    // An existing blob may belong to another snapshot, so it is copied.
    by_python(folder.path(), "other.safetensors", &bytes);
    hub.state
        .lock()
        .unwrap()
        .files
        .insert(("me/net".into(), "third.safetensors".into()), bytes.clone());
    let third = get(&fetcher, "hf:me/net/third.safetensors").unwrap();
    assert!(fs::symlink_metadata(&third).unwrap().is_file());
    assert!(
        folder
            .path()
            .join("models--me--net/blobs")
            .join(sha256(&bytes))
            .is_file()
    );
    assert_eq!(hub.cdn.seen().len(), 1);
}

#[test]
fn one_who_holds_the_lock_of_python_is_waited_for() {
    let (folder, bytes) = (temporary(), content());
    let hub = Hub::of(&[(MODEL.0, MODEL.1, &bytes)]);
    let locks = folder.path().join(".locks/models--me--net");
    fs::create_dir_all(&locks).unwrap();
    let lock = locks.join(format!("{}.lock", sha256(&bytes)));
    let mut held = FileLock::if_free(&lock).unwrap();
    assert!(held.is_some());
    let mut waited = 0;
    let (python, fetcher) = (folder.path().to_owned(), fetcher(folder.path(), &hub));
    let (sender, receiver) = std::sync::mpsc::channel();
    let other = std::thread::spawn(move || {
        receiver.recv().unwrap();
        by_python(&python, MODEL.1, &content());
        drop(held.take());
    });
    let path = fetcher.hub(&name("hf:me/net"), &mut |step| {
        assert_eq!(step, Progress::Waiting);
        waited += 1;
        sender.send(()).unwrap();
    });
    other.join().unwrap();
    assert!(fs::read(path.unwrap()).unwrap() == bytes);
    assert_eq!((waited, hub.cdn.seen().len()), (1, 0));
}

#[test]
fn registered_weights_of_the_hub_are_shared_with_python() {
    let (folder, bytes) = (temporary(), content());
    let hub = Hub::of(&[(MODEL.0, MODEL.1, &bytes)]);
    let sum = sha256(&bytes);
    let urls = ["https://huggingface.co/me/net/resolve/main/model.safetensors"];
    let remote = |sha256| Remote {
        name: "net.tag",
        urls: &urls,
        file: "net.tag.safetensors",
        sha256,
        licence: Some(Licence::CcByNc4),
    };
    let mut fetcher = fetcher(folder.path(), &hub);
    let get = |fetcher: &Fetcher, sum| fetcher.fetch(remote(sum), &mut |_| ());
    let error = get(&fetcher, Some(&sum)).unwrap_err();
    assert!(matches!(error, Error::Licence { .. }), "{error}");
    fetcher.terms = Terms::Accepted;
    fetcher.hub.network = Network::Offline;
    let message = get(&fetcher, None).unwrap_err().to_string();
    assert!(message.contains("HF_HUB_OFFLINE is set"), "{message}");
    assert!(hub.asked().is_empty());
    fetcher.hub.network = Network::Online;
    let closed = Reply::status("401 Unauthorized").with("X-Error-Code: GatedRepo".into());
    hub.state.lock().unwrap().troubles = vec![closed];
    let message = get(&fetcher, None).unwrap_err().to_string();
    let by_hand = folder.path().join("net.tag.safetensors");
    for part in ["net.tag", "it is gated", by_hand.to_str().unwrap()] {
        assert!(message.contains(part), "{message}");
    }
    let fetched = get(&fetcher, Some(&sum[..8])).unwrap();
    let path = folder.path().join(format!(
        "models--me--net/snapshots/{COMMIT}/model.safetensors"
    ));
    assert_eq!((fetched.path, &fetched.sha256), (path, &sum));
    assert!(!folder.path().join("net.tag.safetensors").exists());

    // Python's copy is used without a request, unless its checksum differs.
    let folder = temporary();
    let path = by_python(folder.path(), MODEL.1, &bytes);
    fetcher.hub.folder = folder.path().to_owned();
    fetcher.cache = Cache::new(folder.path());
    let before = hub.asked().len();
    assert_eq!(get(&fetcher, None).unwrap().path, path);
    let error = get(&fetcher, Some("00000000")).unwrap_err();
    assert!(matches!(error, Error::Checksum { .. }), "{error}");
    assert_eq!(hub.asked().len(), before);
}

#[test]
fn a_mirror_serves_the_hubs_files_like_any_others_and_sees_no_token() {
    let (folder, bytes) = (temporary(), content());
    let (copy, hub) = (bytes.clone(), Hub::of(&[]));
    let mirror = server::Server::start(move |request, _| match request.path.ends_with(".bin") {
        true => Reply::file(&copy, "v1", request),
        false => Reply::status("404 Not Found"),
    });
    let mut fetcher = fetcher(folder.path(), &hub);
    fetcher.hub.endpoint = "https://huggingface.co".into();
    fetcher.mirror = Some(mirror.base.clone());
    fetcher.token = Some(Token::new(hub::TOKEN));
    let path = get(&fetcher, "hf:me/net").unwrap();
    assert!(fs::read(&path).unwrap() == bytes);
    let paths: Vec<_> = mirror.seen().into_iter().map(|seen| seen.path).collect();
    let at = "/me/net/resolve/main";
    assert_eq!(
        paths,
        [
            format!("{at}/model.safetensors"),
            format!("{at}/pytorch_model.bin")
        ]
    );
    assert!(
        mirror
            .seen()
            .iter()
            .all(|seen| seen.header("authorization").is_none())
    );
    assert!(
        path.file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with("url-")
    );
    // A hub that the user sets takes precedence.
    fetcher.hub.endpoint = hub.server.base.clone();
    fails(&fetcher, "hf:me/net", &["does not exist"]);
    assert_eq!(mirror.seen().len(), 2);
}

#[test]
fn an_address_on_the_hub_is_its_file_and_a_page_about_a_file_is_the_file() {
    let (folder, hub) = (temporary(), Hub::of(&[(MODEL.0, MODEL.1, b"values")]));
    let mut fetcher = fetcher(folder.path(), &hub);
    let page = format!("{}/me/net/blob/main/model.safetensors", hub.server.base);
    let fetched = fetcher.url(&page, &mut |_| ()).unwrap();
    let path = folder.path().join(format!(
        "models--me--net/snapshots/{COMMIT}/model.safetensors"
    ));
    assert_eq!((fetched.path, fetched.sha256), (path, sha256(b"values")));

    let mirror = server::Server::of(b"others");
    fetcher.mirror = Some(mirror.base.clone());
    let page = "https://github.com/me/nets/blob/v1/best.pth";
    let fetched = fetcher.url(page, &mut |_| ()).unwrap();
    assert_eq!(fs::read(fetched.path).unwrap(), b"others");
    assert_eq!(mirror.seen()[0].path, "/me/nets/raw/v1/best.pth");
}

#[test]
fn the_folder_is_listed_verified_and_cleared_of_what_is_named() {
    let (folder, bytes) = (temporary(), content());
    let hub = Hub::of(&[(MODEL.0, MODEL.1, &bytes), ("me/net", "x/a.bin", b"other")]);
    let fetcher = fetcher(folder.path(), &hub);
    let path = get(&fetcher, "hf:me/net").unwrap();
    get(&fetcher, "hf:me/net/x/a.bin").unwrap();
    hub.state
        .lock()
        .unwrap()
        .revisions
        .insert("main".into(), OTHER.into());
    get(&fetcher, "hf:me/net").unwrap();
    let repo = folder.path().join("models--me--net");
    fs::write(repo.join("blobs/abc.incomplete"), "be").unwrap();
    fs::create_dir_all(folder.path().join("datasets--me--data/blobs")).unwrap();
    fs::write(folder.path().join("diary.txt"), "mine").unwrap();

    let entries = fetcher.hub.entries();
    let listed: Vec<_> = entries
        .iter()
        .map(|it| (it.name.as_str(), it.bytes, it.state))
        .collect();
    let first = format!("hf:me/net@{COMMIT}/model.safetensors");
    let nested = format!("hf:me/net@{COMMIT}/x/a.bin");
    let second = format!("hf:me/net@{OTHER}/model.safetensors");
    assert_eq!(
        listed,
        [
            (&*first, 100_000, State::Shared),
            (&nested, 5, State::Shared),
            (&second, 100_000, State::Shared),
            ("hf:me/net", 2, State::Partial),
        ]
    );
    assert_eq!(fetcher.hub.verify(&entries[0]).unwrap(), State::Verified);
    fs::write(repo.join("blobs").join(sha256(b"other")), "OTHER").unwrap();
    let error = fetcher.hub.verify(&entries[1]).unwrap_err();
    assert!(matches!(error, Error::Checksum { .. }), "{error}");

    // Another commit also uses the blob.
    fetcher.hub.remove(&entries[0]).unwrap();
    assert!(!path.exists());
    assert!(repo.join("blobs").join(sha256(&bytes)).is_file());
    fetcher.hub.remove(&entries[1]).unwrap();
    assert!(!repo.join("snapshots").join(COMMIT).exists());
    fetcher.hub.remove(&entries[3]).unwrap();
    fetcher.hub.remove(&entries[2]).unwrap();
    assert!(!repo.exists());
    assert!(fetcher.hub.entries().is_empty());
    assert!(folder.path().join("diary.txt").exists());
    assert!(folder.path().join("datasets--me--data").exists());
}
