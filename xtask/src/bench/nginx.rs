//! nginx: the provider that answers at once, and the reverse proxy that is the physical limit.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::machine::{LOAD_CORE, SYSTEM_CORE, Served, free_port};
use crate::test::Installer;

const ANSWER: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1750000000,"model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":"assistant","content":"A fixed answer, as long as a short answer of a model is: it is here to be passed on, and to be counted on its way."},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":21,"completion_tokens":25,"total_tokens":46},"system_fingerprint":"fp_1"}"#;

/// Duration of the slow answer, in milliseconds.
pub(super) const SLOW_MS: u32 = 50;

/// Makes it available, with the program that asks it.
pub(super) fn install() -> Result<()> {
    let packages = ["nginx-light", "libnginx-mod-http-echo", "wrk"];
    Installer::default().programs("nginx and wrk", &["nginx", "wrk"], &packages)
}

fn start(folder: &Path, name: &str, core: &str, modules: &str, rest: &str) -> Result<Served> {
    let port = free_port()?;
    let place = folder.join(name);
    fs::create_dir_all(&place)?;
    let at = place.display();
    let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let paths: String = paths.iter().map(|path| format!("{path}_temp_path {at}/{path};\n")).collect();
    let text = format!(
        "{modules}\nworker_processes 1;\ndaemon off;\npid {at}/pid;\nerror_log {at}/error.log warn;\n\
         events {{ worker_connections 8192; }}\nhttp {{\naccess_log off; tcp_nodelay on; keepalive_timeout 600s;\n\
         keepalive_requests 100000000;\n{paths}{rest}\n}}\n",
        rest = rest.replace("@PORT@", &port.to_string()),
    );
    let file = place.join("nginx.conf");
    fs::write(&file, text)?;
    let mut command = Command::new("/usr/sbin/nginx");
    command.arg("-p").arg(&place).arg("-c").arg(&file);
    Served::start(core, &command, port)
}

/// A provider: `/v1/chat/completions` answers at once, `/slow/…` after [`SLOW_MS`], `/stream/…` as 50 events.
pub(super) fn provider(folder: &Path) -> Result<Served> {
    let delta = r#"data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-mini","choices":[{"index":0,"delta":{"content":" word"},"finish_reason":null}]}"#;
    let usage = r#"data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-mini","choices":[],"usage":{"prompt_tokens":21,"completion_tokens":50,"total_tokens":71}}"#;
    let stream = format!("{}{usage}\n\ndata: [DONE]\n\n", format!("{delta}\n\n").repeat(50));
    fs::create_dir_all(folder)?;
    let file = folder.join("stream.txt");
    fs::write(&file, stream)?;
    let slow = f64::from(SLOW_MS) / 1000.0;
    let rest = format!(
        "server {{ listen 127.0.0.1:@PORT@ backlog=4096;\n\
         location /v1/chat/completions {{ default_type application/json; return 200 '{ANSWER}'; }}\n\
         location /slow/ {{ default_type application/json; echo_read_request_body; echo_sleep {slow}; echo '{ANSWER}'; }}\n\
         location /stream/ {{ error_page 405 =200 /events; return 405; }}\n\
         location = /events {{ internal; default_type text/event-stream; alias {}; }}\n}}",
        file.display()
    );
    let modules = "load_module /usr/lib/nginx/modules/ngx_http_echo_module.so;";
    start(folder, "provider", LOAD_CORE, modules, &rest)
}

/// A reverse proxy before it.
pub(super) fn proxy(folder: &Path, provider_port: u16) -> Result<Served> {
    let rest = format!(
        "upstream provider {{ server 127.0.0.1:{provider_port}; keepalive 512; keepalive_requests 100000000; }}\n\
         server {{ listen 127.0.0.1:@PORT@ backlog=4096;\n\
         location / {{ proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection \"\"; }}\n}}"
    );
    start(folder, "proxy", SYSTEM_CORE, "", &rest)
}
