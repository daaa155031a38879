//! Parts that measurements share: programs that serve on a core of their own, and `wrk`, which asks them from another.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// Asks and answers for the provider.
pub(super) const LOAD_CORE: &str = "0";
/// The system under measurement.
pub(super) const SYSTEM_CORE: &str = "1";
/// Numbers of connections that ask at once.
pub(super) const CONNECTIONS: [u32; 3] = [1, 32, 128];

/// A program that serves; dropped, it is killed with all that it started.
pub(super) struct Served {
    child: Child,
    pub(super) port: u16,
}

impl Served {
    /// Starts a program on a core and waits until it accepts connections.
    pub(super) fn start(core: &str, command: &Command, port: u16) -> Result<Self> {
        let mut pinned = Command::new("taskset");
        pinned.args(["-c", core]).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => pinned.env(name, value),
                None => pinned.env_remove(name),
            };
        }
        if let Some(folder) = command.get_current_dir() {
            pinned.current_dir(folder);
        }
        let child = std::os::unix::process::CommandExt::process_group(&mut pinned, 0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("starting {command:?}"))?;
        let mut served = Self { child, port };
        let deadline = Instant::now() + Duration::from_secs(120);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Some(status) = served.child.try_wait()? {
                bail!("{command:?} ended with {status}");
            }
            ensure!(Instant::now() < deadline, "{command:?} does not accept connections");
            sleep(Duration::from_millis(50));
        }
        Ok(served)
    }

    /// Has it end by itself, with all that it does at its end.
    pub(super) fn end(mut self) -> Result<()> {
        let id = nix::unistd::Pid::from_raw(i32::try_from(self.child.id())?);
        nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM)?;
        let status = self.child.wait()?;
        ensure!(status.success(), "it ended with {status}");
        Ok(())
    }

    /// The processes of its group.
    fn processes(&self) -> Vec<i32> {
        let group = self.child.id().to_string();
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        ids.filter(|id| stat(*id).is_some_and(|fields| fields.get(2) == Some(&group))).collect()
    }

    /// Seconds of CPU that it has used.
    pub(super) fn cpu_seconds(&self) -> f64 {
        let ticks = |id: &i32| -> f64 {
            let fields = stat(*id).unwrap_or_default();
            let field =
                |index: usize| fields.get(index).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
            field(11) + field(12)
        };
        // `sysconf(_SC_CLK_TCK)` is 100 on every Linux there is.
        self.processes().iter().map(ticks).sum::<f64>() / 100.0
    }

    /// The most memory that its processes have had, in megabytes.
    pub(super) fn peak_megabytes(&self) -> f64 {
        let peak = |id: &i32| -> f64 {
            let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
            let line = status.lines().find(|line| line.starts_with("VmHWM:"));
            line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok()).unwrap_or(0.0)
        };
        self.processes().iter().map(peak).sum::<f64>() / 1024.0
    }
}

/// The fields of `/proc/<id>/stat` behind the name: state, parent, group …; see proc(5).
fn stat(id: i32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, behind) = text.rsplit_once(')')?;
    Some(behind.split_whitespace().map(ToOwned::to_owned).collect())
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Ok(id) = i32::try_from(self.child.id()) {
            // It may have ended by itself.
            let _ =
                nix::sys::signal::killpg(nix::unistd::Pid::from_raw(id), nix::sys::signal::Signal::SIGKILL);
        }
        let _ = self.child.wait();
    }
}

/// Requests for `wrk` to send.
pub(super) struct Asked<'a> {
    pub(super) path: &'a str,
    pub(super) headers: &'a [(String, String)],
    /// `None` for a GET.
    pub(super) body: Option<&'a str>,
}

/// Result of a measurement.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measured {
    pub(super) per_second: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) cpu_micros: f64,
    pub(super) megabytes: f64,
}

/// Asks for so many seconds over so many connections.
pub(super) fn measure(
    folder: &Path,
    served: &Served,
    asked: &Asked<'_>,
    connections: u32,
    seconds: u32,
) -> Result<Measured> {
    let mut script = String::new();
    for (name, value) in asked.headers {
        script.push_str(&format!("wrk.headers[{name:?}] = {value:?}\n"));
    }
    if let Some(body) = asked.body {
        script.push_str(&format!("wrk.method = \"POST\"\nwrk.headers[\"Content-Type\"] = \"application/json\"\nwrk.body = [[{body}]]\n"));
    }
    script.push_str(
        "done = function(summary, latency)\n\
         local errors = summary.errors\n\
         io.write(string.format(\"MEASURED %d %d %f %f %d\\n\", summary.requests, summary.duration, latency:percentile(50), \
         latency:percentile(99), errors.connect + errors.read + errors.write + errors.status + errors.timeout))\n\
         end\n",
    );
    let file = folder.join("wrk.lua");
    fs::write(&file, script)?;
    let before = served.cpu_seconds();
    let output = Command::new("taskset")
        .args(["-c", LOAD_CORE, "wrk", "-t1", "-c", &connections.to_string(), "-d", &format!("{seconds}s")])
        .args(["--timeout", "20s", "-s"])
        .arg(&file)
        .arg(format!("http://127.0.0.1:{}{}", served.port, asked.path))
        .output()
        .context("running wrk")?;
    let cpu = served.cpu_seconds() - before;
    let said = String::from_utf8_lossy(&output.stdout);
    let line = said
        .lines()
        .find_map(|line| line.strip_prefix("MEASURED "))
        .with_context(|| format!("wrk said {said}"))?;
    let numbers: Vec<f64> = line.split(' ').filter_map(|number| number.parse().ok()).collect();
    let [requests, micros, p50, p99, errors] = numbers[..] else { bail!("wrk said {said}") };
    ensure!(errors == 0.0, "{errors} of {requests} requests failed: {said}");
    Ok(Measured {
        per_second: requests / (micros / 1e6),
        p50_ms: p50 / 1000.0,
        p99_ms: p99 / 1000.0,
        cpu_micros: cpu * 1e6 / requests,
        megabytes: served.peak_megabytes(),
    })
}

/// Turns in which two systems are measured.
#[derive(Clone, Copy)]
pub(super) struct Turns {
    count: u32,
    seconds: u32,
}

impl Turns {
    /// Turns of one second, so many: a busy machine slows one of two neighbours as often as the other, and many short turns
    /// tell that from what they are.
    pub(super) fn short(seconds: u32) -> Self {
        Self { count: seconds, seconds: 1 }
    }

    /// All in one turn: in a short one a slow system would not come to an answer.
    pub(super) fn one(seconds: u32) -> Self {
        Self { count: 1, seconds }
    }

    /// Measures both at each number of connections, turn by turn over all of them: a busy spell of the machine is then no
    /// figure's alone. What comes back of each is the turn whose ratio is the median, with the most memory of any turn; as a
    /// process keeps what it once had, that is of the whole measurement.
    pub(super) fn measure(
        self,
        connections: &[u32],
        one: impl Fn(u32, u32) -> Result<Measured>,
        other: impl Fn(u32, u32) -> Result<Measured>,
    ) -> Result<Vec<Compared>> {
        let mut turns: Vec<(u32, Vec<(Measured, Measured)>)> =
            connections.iter().map(|connections| (*connections, Vec::new())).collect();
        for _ in 0..self.count {
            for (connections, turns) in &mut turns {
                turns.push((one(*connections, self.seconds)?, other(*connections, self.seconds)?));
            }
        }
        turns.into_iter().map(|(connections, turns)| Compared::of(connections, turns)).collect()
    }
}

/// Results of two systems at a number of connections.
pub(super) struct Compared {
    pub(super) connections: u32,
    pub(super) one: Measured,
    pub(super) other: Measured,
}

impl Compared {
    fn of(connections: u32, mut turns: Vec<(Measured, Measured)>) -> Result<Self> {
        let ratio = |(one, other): &(Measured, Measured)| other.per_second / one.per_second;
        turns.sort_by(|left, right| ratio(left).total_cmp(&ratio(right)));
        let most = |of: fn(&(Measured, Measured)) -> f64| turns.iter().map(of).fold(0.0, f64::max);
        let megabytes = (most(|turn| turn.0.megabytes), most(|turn| turn.1.megabytes));
        // Of an even number the lower of the two in the middle: it is not to flatter.
        let middle = turns.len().saturating_sub(1) / 2;
        let (one, other) = *turns.get(middle).context("no turn was measured")?;
        let one = Measured { megabytes: megabytes.0, ..one };
        Ok(Self { connections, one, other: Measured { megabytes: megabytes.1, ..other } })
    }
}

/// A port that is free.
pub(super) fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
