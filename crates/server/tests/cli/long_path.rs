//! Data directories whose paths are longer than the address of a socket can be.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::harness::Place;

#[tokio::test]
async fn a_server_in_a_long_data_directory_is_found_by_its_commands() {
    let mut place = Place::without_server().await;
    place.set("STRONGROOM_ADMIN_TOKEN", strongroom_crypto::token::generate().text.expose());
    for length in [91, 92, 108, 200] {
        let home = place.home.path().as_os_str().len();
        let data = place.home.path().join("d".repeat(length - home - 1));
        place.set("STRONGROOM_DATA_DIR", data.to_str().unwrap());
        let mut server = place.command(&["serve", "--listen", "127.0.0.1:0"]).spawn().unwrap();
        let mut said = BufReader::new(server.stderr.take().unwrap()).lines();
        let mut heard = Vec::new();
        loop {
            let line = said.next_line().await.unwrap().unwrap_or_else(|| panic!("{length}: {heard:?}"));
            heard.push(line);
            if heard.iter().any(|line| line.contains("http://127.0.0.1:")) {
                break;
            }
        }
        let done = place.run(&["status"]).await;
        assert_eq!(done.code, 0, "{length}: {done:?}");
        let pid = Pid::from_raw(i32::try_from(server.id().unwrap()).unwrap());
        kill(pid, Signal::SIGTERM).unwrap();
        while said.next_line().await.unwrap().is_some() {}
        assert!(server.wait().await.unwrap().success());
        let socket = data.join("strongroom.sock");
        assert!(!socket.exists() && !socket.is_symlink(), "{length}");
    }
}
