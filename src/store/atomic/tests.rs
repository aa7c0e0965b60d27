use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use super::*;

/// Folder that tells the re-executed test binary to save for ever.
const CHILD: &str = "HEADWATER_TEST_SAVES_IN";

fn file() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kept.toml");
    (folder, path)
}

async fn save(path: &Path, content: &str) -> Result<()> {
    let content = content.as_bytes().to_vec();
    edit(path, Keep::Versions, |_| Ok((Change::To(content), ()))).await
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[tokio::test]
async fn the_last_five_versions_are_kept_and_an_unchanged_save_makes_none() {
    let (_folder, path) = file();
    assert_eq!(read(&path).await.unwrap(), None);
    for number in 0..8 {
        save(&path, &number.to_string()).await.unwrap();
        save(&path, &number.to_string()).await.unwrap();
    }
    assert_eq!(text(&path), "7");
    let kept = versions(&path).iter().map(|version| text(version)).collect::<Vec<_>>();
    assert_eq!(kept, ["6", "5", "4", "3", "2"]);
    assert!(!beside(&path, "6").exists() && !beside(&path, "partial").exists());
}

#[tokio::test]
async fn a_save_that_fails_leaves_the_old_content() {
    let (_folder, path) = file();
    save(&path, "old").await.unwrap();
    std::fs::create_dir(beside(&path, "partial")).unwrap();
    let error = save(&path, "new").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid, "{error}");
    let refused = edit::<()>(&path, Keep::Versions, |_| Err(Error::cancelled("edit"))).await;
    assert_eq!(refused.unwrap_err().kind, ErrorKind::Cancelled);
    assert_eq!(text(&path), "old");
    assert!(versions(&path).is_empty());
}

#[tokio::test]
async fn a_file_set_aside_keeps_its_content_and_no_other_file_is_overwritten() {
    let (folder, path) = file();
    save(&path, "broken").await.unwrap();
    let aside = |content: Option<&str>| {
        let content = content.map(|content| content.as_bytes().to_vec());
        edit(&path, Keep::Versions, move |_| {
            Ok((Change::SetAside { name: "kept.toml.broken".into(), content }, ()))
        })
    };
    aside(Some("good")).await.unwrap();
    assert_eq!(text(&path), "good");
    assert_eq!(text(&folder.path().join("kept.toml.broken")), "broken");
    assert_eq!(aside(None).await.unwrap_err().kind, ErrorKind::Invalid);
    assert_eq!(text(&path), "good");
}

#[cfg(unix)]
#[tokio::test]
async fn a_save_keeps_a_symbolic_link_and_shows_the_file_to_nobody_else() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, path) = file();
    save(&path, "old").await.unwrap();
    let link = folder.path().join("link.toml");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    save(&link, "new").await.unwrap();
    assert_eq!(text(&path), "new");
    assert!(link.is_symlink());
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0);
}

#[tokio::test]
async fn edits_of_many_at_once_are_all_there_in_the_end() {
    let (_folder, path) = file();
    let add_one = |old: Option<Vec<u8>>| {
        let count = old.map_or(0, |old| String::from_utf8(old).unwrap().parse::<u64>().unwrap());
        Ok((Change::To((count + 1).to_string().into_bytes()), ()))
    };
    let edits = (0..40).map(|_| edit(&path, Keep::Versions, add_one));
    for done in futures::future::join_all(edits).await {
        done.unwrap();
    }
    assert_eq!(text(&path), "40");
}

/// A content of `number` whose wholeness shows.
fn content_of(number: u64) -> Vec<u8> {
    let mut content = format!("{number}\n").repeat(8_000 + usize::try_from(number % 5_000).unwrap());
    content.push_str("end");
    content.into_bytes()
}

/// The number of a whole content.
fn number_of(content: &[u8]) -> u64 {
    let first = content.split(|byte| *byte == b'\n').next().unwrap();
    let number = std::str::from_utf8(first).unwrap().parse().unwrap();
    assert!(content == content_of(number), "content {number} is not whole");
    number
}

/// Not a test of its own: the process that is killed.
#[tokio::test]
async fn a_child_saves_until_it_is_killed() {
    let Some(folder) = std::env::var_os(CHILD) else { return };
    let path = Path::new(&folder).join("kept.toml");
    loop {
        let number = edit(&path, Keep::Versions, |old| {
            let number = old.map_or(0, |old| number_of(&old)) + 1;
            Ok((Change::To(content_of(number)), number))
        })
        .await
        .unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "saved {number}").unwrap();
        out.flush().unwrap();
    }
}

#[test]
fn killed_at_two_hundred_points_the_old_or_the_new_content_is_always_whole() {
    let (folder, path) = file();
    let program = std::env::current_exe().unwrap();
    let mut confirmed = 0;
    for round in 0..200_u64 {
        let mut child = Command::new(&program)
            .args(["--exact", "store::atomic::tests::a_child_saves_until_it_is_killed", "--nocapture"])
            .env(CHILD, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for _ in 0..=round % 3 {
            let saved = lines.by_ref().find_map(|line| {
                line.unwrap().split_once("saved ").map(|(_, number)| number.parse::<u64>().unwrap())
            });
            confirmed = saved.expect("the child saves until it is killed");
        }
        // Anywhere in the next save: spread over its time, without sleeping.
        let until = Instant::now() + Duration::from_micros(round * 37 % 2_000);
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();

        let found = number_of(&std::fs::read(&path).unwrap());
        assert!(found >= confirmed, "save {confirmed} was confirmed, {found} is there");
        let kept =
            versions(&path).iter().map(|file| number_of(&std::fs::read(file).unwrap())).collect::<Vec<_>>();
        assert!(kept.windows(2).all(|pair| pair[0] >= pair[1]), "versions in order: {kept:?}");
        assert!(kept.iter().all(|number| *number <= found), "no version is newer than the file");
    }
    assert!(confirmed >= 200);
}
