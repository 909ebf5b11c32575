//! Fetching from a server that misbehaves in every way that we could think of.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod server;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use burn_zoo_core::Error;
use burn_zoo_core::fetch::{
    Cache, Fetched, Fetcher, Network, Patience, Progress, Remote, State, Terms,
};
use burn_zoo_core::weights::{Licence, WeightsMeta};
use server::{Reply, Server};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

const FILE: &str = "net-v1.pth";

/// 300,000 bytes, no two pieces of which are alike.
fn content() -> Vec<u8> {
    let mut state = 1_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..300_000).map(next).collect()
}

fn sha256(bytes: &[u8]) -> String {
    let digits = Sha256::digest(bytes);
    digits.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn fetcher(folder: &Path) -> Fetcher {
    Fetcher {
        patience: Patience {
            connect: Duration::from_secs(5),
            read: Duration::from_millis(500),
            attempts: 4,
            delay: Duration::from_millis(5),
        },
        ..Fetcher::new(Cache::new(folder))
    }
}

fn remote<'a>(urls: &'a [&'a str], sha256: Option<&'a str>) -> Remote<'a> {
    Remote {
        name: "net.tag",
        urls,
        file: FILE,
        sha256,
        licence: Some(Licence::Bsd3),
    }
}

/// Fetches from one address with the right checksum.
fn fetch(folder: &Path, url: &str) -> Result<Fetched, Error> {
    let sha256 = sha256(&content());
    fetcher(folder).fetch(remote(&[url], Some(&sha256)), &mut |_| ())
}

#[track_caller]
fn holds(folder: &Path, bytes: &[u8]) {
    assert!(fs::read(folder.join(FILE)).unwrap() == bytes, "other bytes");
}

/// Names in a folder, without lock files.
fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with(".lock"))
        .collect();
    names.sort();
    names
}

fn temporary() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn a_file_is_fetched_once_and_then_at_hand() {
    let (folder, server) = (temporary(), Server::of(&content()));
    let cache = folder.path().join("new/folder");
    let (mut first, mut last) = (None, None);
    let sum = sha256(&content());
    let fetched = fetcher(&cache)
        .fetch(
            remote(&[&server.url("models/net-v1.pth")], Some(&sum[..8])),
            &mut |progress| {
                first.get_or_insert(progress.clone());
                last = Some(progress);
            },
        )
        .unwrap();
    assert_eq!(
        fetched,
        Fetched {
            path: cache.join(FILE),
            bytes: 300_000,
            sha256: sum
        }
    );
    let (total, received) = (Some(300_000), |bytes| Progress::Received {
        bytes,
        total: Some(300_000),
    });
    assert_eq!(first, Some(received(0)));
    assert_eq!(last, Some(received(total.unwrap())));
    holds(&cache, &content());
    assert_eq!(names(&cache), [FILE, "net-v1.pth.sha256"]);

    assert_eq!(fetch(&cache, &server.url("gone")).unwrap(), fetched);
    assert_eq!(server.seen().len(), 1);
    assert_eq!(server.seen()[0].path, "/models/net-v1.pth");
}

#[test]
fn a_cut_connection_is_taken_up_where_it_ended_and_no_byte_comes_twice() {
    let folder = temporary();
    let bytes = content();
    let server = Server::start(move |request, number| {
        let reply = Reply::file(&bytes, "v1", request);
        match number {
            0 => reply.cut_after(100_001),
            1 => reply.cut_after(1),
            _ => reply,
        }
    });
    fetch(folder.path(), &server.url("x")).unwrap();
    holds(folder.path(), &content());
    let from: Vec<_> = server.seen().iter().map(server::Seen::from).collect();
    assert_eq!(from, [0, 100_001, 100_002]);
    assert_eq!(server.sent(), 300_000);
    assert_eq!(server.seen()[1].header("if-range"), Some("\"v1\""));
}

#[test]
fn a_file_that_changed_meanwhile_is_fetched_anew() {
    let folder = temporary();
    let old: Vec<u8> = content().iter().map(|byte| !byte).collect();
    let new = content();
    let server = Server::start(move |request, number| match number {
        0 => Reply::file(&old, "v0", request).cut_after(1000),
        _ => Reply::file(&new, "v1", request),
    });
    fetch(folder.path(), &server.url("x")).unwrap();
    holds(folder.path(), &content());
    assert_eq!(server.seen()[1].from(), 1000);
    assert_eq!(server.sent(), 301_000);
}

#[test]
fn a_part_that_an_earlier_run_left_broken_is_given_up_for_a_whole_file() {
    let (folder, server) = (temporary(), Server::of(&content()));
    fs::write(folder.path().join("net-v1.pth.part"), [7; 1000]).unwrap();
    fetch(folder.path(), &server.url("x")).unwrap();
    holds(folder.path(), &content());
    let from: Vec<_> = server.seen().iter().map(server::Seen::from).collect();
    assert_eq!(from, [1000, 0]);
}

#[test]
fn a_part_that_is_whole_already_is_not_fetched_again() {
    let (folder, server) = (temporary(), Server::of(&content()));
    fs::write(folder.path().join("net-v1.pth.part"), content()).unwrap();
    fetch(folder.path(), &server.url("x")).unwrap();
    holds(folder.path(), &content());
    assert_eq!(server.sent(), 0);
    assert_eq!(names(folder.path()), [FILE, "net-v1.pth.sha256"]);
}

#[test]
fn a_part_longer_than_the_file_is_given_up() {
    let (folder, server) = (temporary(), Server::of(&content()));
    fs::write(folder.path().join("net-v1.pth.part"), [7; 300_001]).unwrap();
    fetch(folder.path(), &server.url("x")).unwrap();
    holds(folder.path(), &content());
}

#[test]
fn a_wrong_byte_is_reported_and_nothing_kept() {
    let folder = temporary();
    let mut wrong = content();
    wrong[150_000] ^= 1;
    let server = Server::of(&wrong);
    let error = fetch(folder.path(), &server.url("x")).unwrap_err();
    assert!(matches!(error, Error::Checksum { .. }), "{error}");
    let message = error.to_string();
    for part in [&server.url("x"), &sha256(&wrong), &sha256(&content())] {
        assert!(message.contains(part.as_str()), "{message}");
    }
    assert!(names(folder.path()).is_empty());

    // Another address has the right one.
    let right = Server::of(&content());
    let sum = sha256(&content());
    let urls = [server.url("x"), right.url("x")];
    let urls: Vec<_> = urls.iter().map(String::as_str).collect();
    fetcher(folder.path())
        .fetch(remote(&urls, Some(&sum)), &mut |_| ())
        .unwrap();
    holds(folder.path(), &content());
}

#[test]
fn not_found_is_an_error_at_once() {
    let folder = temporary();
    let server = Server::start(|_, _| Reply::status("404 Not Found"));
    let error = fetch(folder.path(), &server.url("x")).unwrap_err();
    let path = folder.path().join(FILE).display().to_string();
    let message = error.to_string();
    for part in ["net.tag", &server.url("x"), "404 Not Found", &path] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(server.seen().len(), 1);
    assert!(names(folder.path()).is_empty());
}

#[test]
fn the_next_address_is_tried_where_one_fails() {
    let folder = temporary();
    let bytes = content();
    let server = Server::start(move |request, _| match request.path.as_str() {
        "/good" => Reply::file(&bytes, "v1", request),
        _ => Reply::status("403 Forbidden"),
    });
    let sum = sha256(&content());
    let urls = [server.url("bad"), server.url("good")];
    let urls: Vec<_> = urls.iter().map(String::as_str).collect();
    fetcher(folder.path())
        .fetch(remote(&urls, Some(&sum)), &mut |_| ())
        .unwrap();
    holds(folder.path(), &content());
}

#[test]
fn a_server_in_trouble_is_asked_again_but_not_for_ever() {
    let folder = temporary();
    let bytes = content();
    let server = Server::start(move |request, number| match number {
        0 | 1 => Reply::status("500 Internal Server Error"),
        2 => Reply::status("503 Service Unavailable"),
        _ => Reply::file(&bytes, "v1", request),
    });
    let (mut waits, sum) = (Vec::new(), sha256(&content()));
    fetcher(folder.path())
        .fetch(remote(&[&server.url("x")], Some(&sum)), &mut |progress| {
            if let Progress::Retrying { after, .. } = progress {
                waits.push(after.as_millis());
            }
        })
        .unwrap();
    assert_eq!(waits, [5, 10, 20]);
    holds(folder.path(), &content());

    let folder = temporary();
    let server = Server::start(|_, _| Reply::status("500 Internal Server Error"));
    let error = fetch(folder.path(), &server.url("x")).unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("500 Internal Server Error (4 tries)"),
        "{message}"
    );
    assert_eq!(server.seen().len(), 4);
}

#[test]
fn a_stalled_server_is_left_and_asked_for_the_rest() {
    let folder = temporary();
    let bytes = content();
    let server = Server::start(move |request, number| {
        let reply = Reply::file(&bytes, "v1", request);
        match number {
            0 => reply.stall_after(50_000),
            _ => reply,
        }
    });
    let start = Instant::now();
    fetch(folder.path(), &server.url("x")).unwrap();
    // The time-out is half a second.
    let took = start.elapsed();
    assert!(
        took > Duration::from_millis(400) && took < Duration::from_secs(5),
        "{took:?}"
    );
    holds(folder.path(), &content());
    assert_eq!(server.sent(), 300_000);

    let folder = temporary();
    let server = Server::start(|request, _| Reply::file(b"x", "v1", request).stall_after(0));
    let error = fetch(folder.path(), &server.url("x")).unwrap_err();
    let message = error.to_string();
    assert!(message.contains("took too long"), "{message}");
}

#[test]
fn nobody_there_is_an_error_that_names_the_address() {
    let folder = temporary();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/x", listener.local_addr().unwrap());
    drop(listener);
    let message = fetch(folder.path(), &url).unwrap_err().to_string();
    assert!(
        message.contains(&url) && message.contains("refused"),
        "{message}"
    );
}

#[test]
fn redirects_are_followed_with_the_range() {
    let folder = temporary();
    let bytes = content();
    let target = Server::start(move |request, number| {
        let reply = Reply::file(&bytes, "v1", request);
        match number {
            0 => reply.cut_after(10),
            _ => reply,
        }
    });
    let to = target.url("cdn/blob?signature=1");
    let server = Server::start(move |request, _| match request.path.as_str() {
        "/x" => Reply::redirect("/y"),
        _ => Reply::redirect(&to),
    });
    fetch(folder.path(), &server.url("x")).unwrap();
    holds(folder.path(), &content());
    assert_eq!(target.sent(), 300_000);
    assert_eq!(target.seen()[1].path, "/cdn/blob?signature=1");

    let folder = temporary();
    let server = Server::start(|_, _| Reply::redirect("/again"));
    let message = fetch(folder.path(), &server.url("x"))
        .unwrap_err()
        .to_string();
    assert!(message.contains("too many redirects"), "{message}");
}

#[track_caller]
fn assert_size_is_missed(folder: &Path, server: &Server) {
    let error = fetcher(folder)
        .fetch(remote(&[&server.url("x")], None), &mut |_| ())
        .unwrap_err();
    assert!(
        error.to_string().contains("how long the file is"),
        "{error}"
    );
}

#[test]
fn without_a_checksum_the_size_decides() {
    let folder = temporary();
    let bytes = content();
    let server = Server::start(move |request, number| {
        let reply = Reply::file(&bytes, "v1", request);
        match number {
            0 => reply.cut_after(1000),
            _ => reply,
        }
    });
    let fetched = fetcher(folder.path())
        .fetch(remote(&[&server.url("x")], None), &mut |_| ())
        .unwrap();
    assert_eq!(fetched.sha256, sha256(&content()));
    assert_eq!(server.sent(), 300_000);

    // Nothing tells whose beginning this is: it is not gone on with.
    let (folder, server) = (temporary(), Server::of(&content()));
    fs::write(folder.path().join("net-v1.pth.part"), [7; 1000]).unwrap();
    fetcher(folder.path())
        .fetch(remote(&[&server.url("x")], None), &mut |_| ())
        .unwrap();
    holds(folder.path(), &content());
    assert_eq!(server.seen()[0].from(), 0);

    // Nor whether a file without a size is whole.
    let folder = temporary();
    let server = Server::start(|request, _| {
        Reply::file(&content(), "v1", request).without("Content-Length")
    });
    assert_size_is_missed(folder.path(), &server);
    fetch(folder.path(), &server.url("x")).unwrap();
    holds(folder.path(), &content());

    // Nor whether a rest of unknown end is all of it.
    let folder = temporary();
    let server = Server::start(|request, number| {
        let reply = Reply::file(&content(), "v1", request);
        match number {
            0 => reply.cut_after(1000),
            _ => reply
                .without("Content-Range")
                .with(format!("Content-Range: bytes {}-1999/*", request.from())),
        }
    });
    assert_size_is_missed(folder.path(), &server);
}

#[test]
fn without_a_checksum_a_file_that_changed_in_the_cache_is_fetched_again() {
    let (folder, server) = (temporary(), Server::of(&content()));
    let url = server.url("x");
    let get = || fetcher(folder.path()).fetch(remote(&[&url], None), &mut |_| ());
    let fetched = get().unwrap();
    fs::write(&fetched.path, [7; 1000]).unwrap();
    assert_eq!(get().unwrap().sha256, sha256(&content()));
    holds(folder.path(), &content());
}

#[test]
fn offline_touches_no_network_and_says_where_the_file_belongs() {
    let (folder, server) = (temporary(), Server::of(&content()));
    let (url, sum) = (server.url("x"), sha256(&content()));
    let urls = [url.as_str()];
    let offline = Fetcher {
        network: Network::Offline,
        ..fetcher(folder.path())
    };
    let remote = remote(&urls, Some(&sum));
    let message = offline.fetch(remote, &mut |_| ()).unwrap_err().to_string();
    let path = folder.path().join(FILE);
    for part in [
        "net.tag",
        "BURN_ZOO_OFFLINE",
        &url,
        &path.display().to_string(),
    ] {
        assert!(message.contains(part), "{message}");
    }

    // Put there by hand, but broken: verified before the first use, and not thrown away.
    fs::write(&path, "broken").unwrap();
    let error = offline.fetch(remote, &mut |_| ()).unwrap_err();
    assert!(matches!(error, Error::Checksum { .. }), "{error}");
    assert!(
        error.to_string().contains(&path.display().to_string()),
        "{error}"
    );
    assert_eq!(fs::read(&path).unwrap(), b"broken");

    fs::write(&path, content()).unwrap();
    assert_eq!(offline.fetch(remote, &mut |_| ()).unwrap().bytes, 300_000);
    assert!(server.seen().is_empty());

    // With a network a broken file is replaced.
    fs::write(&path, "broken again").unwrap();
    fetch(folder.path(), &url).unwrap();
    holds(folder.path(), &content());
}

#[test]
fn a_mirror_is_asked_instead() {
    let (folder, server) = (temporary(), Server::of(&content()));
    let sum = sha256(&content());
    let urls = ["https://unreachable.invalid/models/net-v1.pth"];
    let fetcher = Fetcher {
        mirror: Some(server.url("mirror/")),
        ..fetcher(folder.path())
    };
    fetcher
        .fetch(remote(&urls, Some(&sum)), &mut |_| ())
        .unwrap();
    assert_eq!(server.seen()[0].path, "/mirror/models/net-v1.pth");
}

#[test]
fn weights_that_are_not_free_are_fetched_only_by_who_accepts_that() {
    let (folder, server) = (temporary(), Server::of(&content()));
    let (url, sum) = (server.url("x"), sha256(&content()));
    let urls = [url.as_str()];
    let terms = Remote {
        licence: Some(Licence::CcByNc4),
        ..remote(&urls, Some(&sum))
    };
    let mut fetcher = fetcher(folder.path());
    let message = fetcher.fetch(terms, &mut |_| ()).unwrap_err().to_string();
    for part in ["net.tag", "CC-BY-NC-4.0", "--accept-licence"] {
        assert!(message.contains(part), "{message}");
    }
    assert!(server.seen().is_empty());
    fetcher.terms = Terms::Accepted;
    fetcher.fetch(terms, &mut |_| ()).unwrap();
    // Who has the file has accepted.
    fetcher.terms = Terms::FreeOnly;
    fetcher.fetch(terms, &mut |_| ()).unwrap();
}

#[test]
fn a_file_without_an_address_is_taken_from_the_cache_or_asked_for() {
    let folder = temporary();
    let fetcher = fetcher(folder.path());
    let error = fetcher.fetch(remote(&[], None), &mut |_| ()).unwrap_err();
    let path = folder.path().join(FILE);
    assert!(
        error.to_string().contains(&path.display().to_string()),
        "{error}"
    );
    fs::write(&path, content()).unwrap();
    fetcher.fetch(remote(&[], None), &mut |_| ()).unwrap();
}

/// A row as a family has it.
fn row() -> &'static WeightsMeta {
    let sum: &'static str = sha256(&content()).leak();
    Box::leak(Box::new(WeightsMeta {
        name: "net.tag",
        architecture: "net",
        urls: &["https://unreachable.invalid/net-v1.pth"],
        file: FILE,
        sha256: Some(sum),
        classes: 10,
        preprocess: burn_zoo_core::Preprocess {
            resize: burn_zoo_core::Resize::Shorter(32),
            crop: [32, 32],
            interpolation: burn_zoo_core::Interpolation::Bilinear,
            channels: 3,
            order: burn_zoo_core::ChannelOrder::Rgb,
            range: burn_zoo_core::ValueRange::Unit,
            mean: [0.5; 3],
            std: [0.5; 3],
            orientation: burn_zoo_core::Orientation::Keep,
            antialias: burn_zoo_core::Antialias::On,
        },
        top1: None,
        top5: None,
        licence: Licence::Bsd3,
        origin: "a test",
    }))
}

#[test]
fn the_cache_lists_verifies_and_removes_what_rows_name_and_nothing_else() {
    let (folder, row) = (temporary(), row());
    let cache = Cache::new(folder.path());
    let states = || {
        let entries = cache.entries(row);
        entries
            .iter()
            .map(|entry| (entry.bytes, entry.state))
            .collect::<Vec<_>>()
    };
    assert_eq!(states(), []);
    assert_eq!(cache.verify(row).unwrap(), None);
    let path = folder.path().join(FILE);
    fs::write(folder.path().join("net-v1.pth.part"), "beginning").unwrap();
    fs::write(folder.path().join("diary.txt"), "mine").unwrap();
    assert_eq!(states(), [(9, State::Partial)]);
    fs::write(&path, content()).unwrap();
    assert_eq!(
        states(),
        [(300_000, State::Unverified), (9, State::Partial)]
    );
    assert_eq!(cache.verify(row).unwrap().unwrap().path, path);
    assert_eq!(states()[0], (300_000, State::Verified));

    let mut wrong = content();
    wrong[299_999] ^= 128;
    fs::write(&path, wrong).unwrap();
    assert_eq!(states()[0], (300_000, State::Unverified));
    let error = cache.verify(row).unwrap_err();
    assert!(matches!(error, Error::Checksum { .. }), "{error}");

    cache.remove(row).unwrap();
    assert_eq!(states(), []);
    assert_eq!(names(folder.path()), ["diary.txt"]);
}

/// What a fetching process of its own does; [`process`] starts it. As a test of this process it
/// has nothing to do.
#[test]
fn another_process() {
    let Ok(url) = std::env::var("FETCH_URL") else {
        return;
    };
    let folder = std::env::var_os("FETCH_INTO").unwrap();
    match fetch(Path::new(&folder), &url) {
        Ok(fetched) => println!("fetched {} bytes", fetched.bytes),
        Err(error) => println!("failed: {error}"),
    }
}

/// The command line of [`another_process`].
fn process() -> Vec<String> {
    let program = std::env::current_exe().unwrap();
    let arguments = ["--exact", "another_process", "--nocapture"];
    let program = [program.display().to_string()];
    program
        .into_iter()
        .chain(arguments.map(String::from))
        .collect()
}

fn start(command: &[String], folder: &Path, url: &str) -> Child {
    Command::new(&command[0])
        .args(&command[1..])
        .env("FETCH_URL", url)
        .env("FETCH_INTO", folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn said(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
}

/// A server that needs at least a second for a file.
fn slow() -> Server {
    let bytes = content();
    Server::start(move |request, _| {
        Reply::file(&bytes, "v1", request).slowly(10_000, Duration::from_millis(35))
    })
}

#[test]
fn two_processes_at_once_fetch_once() {
    let (folder, server) = (temporary(), slow());
    let children = [(), ()].map(|()| start(&process(), folder.path(), &server.url("x")));
    for child in children {
        let said = said(child);
        assert!(said.contains("fetched 300000 bytes"), "{said}");
    }
    assert_eq!(server.seen().len(), 1);
    assert_eq!(server.sent(), 300_000);
    holds(folder.path(), &content());
}

#[test]
fn a_killed_process_leaves_what_the_next_goes_on_with() {
    let (folder, server) = (temporary(), slow());
    let mut child = start(&process(), folder.path(), &server.url("x"));
    let part = folder.path().join("net-v1.pth.part");
    let length = || fs::metadata(&part).map_or(0, |meta| meta.len());
    let start = Instant::now();
    while length() < 50_000 {
        assert!(start.elapsed() < Duration::from_secs(20), "nothing comes");
        std::thread::sleep(Duration::from_millis(5));
    }
    // SIGKILL on Unix.
    child.kill().unwrap();
    child.wait().unwrap();
    let kept = length();
    assert!((50_000..300_000).contains(&kept), "{kept}");
    assert!(!folder.path().join(FILE).exists());

    // The lock died with its process; this one neither waits nor fetches again what is here.
    fetch(folder.path(), &server.url("x")).unwrap();
    holds(folder.path(), &content());
    let from: Vec<_> = server
        .seen()
        .iter()
        .map(|seen| seen.from() as u64)
        .collect();
    assert_eq!(from, [0, kept]);
    assert_eq!(names(folder.path()), [FILE, "net-v1.pth.sha256"]);
}

#[test]
fn a_proxy_of_the_environment_is_used() {
    let (folder, proxy) = (temporary(), Server::of(&content()));
    let mut command = vec!["env".to_owned(), format!("ALL_PROXY={}", proxy.base)];
    command.extend(process());
    let child = start(&command, folder.path(), "http://models.invalid/net-v1.pth");
    let said = said(child);
    assert!(said.contains("fetched 300000 bytes"), "{said}");
    assert_eq!(proxy.seen()[0].method, "CONNECT");
    assert_eq!(proxy.seen()[0].path, "models.invalid:80");
    assert_eq!(proxy.seen()[1].header("host"), Some("models.invalid"));
}

/// Runs shell lines that may mount file systems which nobody else sees.
#[cfg(all(target_os = "linux", feature = "mount-tests"))]
fn mounting(script: &str, folder: &Path, url: &str) -> String {
    let works = |flags: &str| {
        let script = ["--mount", "sh", "-c", "mount -t tmpfs none /mnt"];
        let mut command = Command::new("unshare");
        command.arg(flags).args(script).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let flags = ["--fork", "--map-root-user"]
        .into_iter()
        .find(|flags| works(flags))
        .expect("this test needs `unshare` and the right to mount");
    let run = process().join(" ");
    let script = script.replace("RUN", &run);
    let command = ["unshare", flags, "--mount", "sh", "-ec", &script];
    said(start(&command.map(String::from), folder, url))
}

#[cfg(all(target_os = "linux", feature = "mount-tests"))]
#[test]
fn a_full_disk_is_a_clear_error_and_with_room_the_next_try_goes_on() {
    let (folder, server) = (temporary(), Server::of(&content()));
    let script = "mount -t tmpfs -o size=128k none $FETCH_INTO; RUN; ls $FETCH_INTO; \
                  mount -o remount,size=4m $FETCH_INTO; RUN; ls $FETCH_INTO";
    let said = mounting(script, folder.path(), &server.url("x"));
    let lines = [
        "failed: ",
        "No space left on device",
        "BURN_ZOO_CACHE",
        "net-v1.pth.part\n",
    ];
    for part in lines {
        assert!(said.contains(part), "{said}");
    }
    let end = said.split("net-v1.pth.part\n").last().unwrap();
    assert!(end.contains("fetched 300000 bytes"), "{said}");
    // All that had room was kept.
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    assert!(seen[1].from() > 100_000, "{}", seen[1].from());
}

#[cfg(all(target_os = "linux", feature = "mount-tests"))]
#[test]
fn a_read_only_cache_is_a_clear_error_unless_the_file_is_in_it() {
    let (folder, server) = (temporary(), Server::of(&content()));
    let script = "mount -t tmpfs -o ro none $FETCH_INTO; RUN";
    let said = mounting(script, folder.path(), &server.url("x"));
    for part in [
        "failed: cannot write to the cache",
        "Read-only file system",
        "BURN_ZOO_CACHE",
    ] {
        assert!(said.contains(part), "{said}");
    }
    assert!(server.seen().is_empty());

    fs::write(folder.path().join(FILE), content()).unwrap();
    let script = "mount --bind $FETCH_INTO $FETCH_INTO; \
                  mount -o remount,ro,bind $FETCH_INTO; RUN";
    let said = mounting(script, folder.path(), &server.url("x"));
    assert!(said.contains("fetched 300000 bytes"), "{said}");
    assert!(server.seen().is_empty());
    assert_eq!(names(folder.path()), [FILE]);
}
