//! A Redis of a test's own, to be killed, hung and started again.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// How often it is looked whether it answers, and how many times at most: a minute.
const LOOK: (Duration, u32) = (Duration::from_millis(20), 3_000);

/// A `redis-server` on a port of its own. It ends when it is dropped.
#[derive(Debug)]
pub struct RedisServer {
    address: SocketAddr,
    password: Option<String>,
    child: Option<Child>,
}

impl RedisServer {
    /// One that is not started yet.
    pub fn absent() -> Self {
        // The port is free from here on; another program that takes it first makes the start fail, and with it the test.
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|socket| socket.local_addr());
        Self {
            address: free.expect("a port"),
            password: None,
            child: None,
        }
    }

    /// One that answers.
    pub fn start() -> Self {
        let mut server = Self::absent();
        server.start_again();
        server
    }

    /// One that asks for a password.
    pub fn locked(password: &str) -> Self {
        let mut server = Self::absent();
        server.password = Some(password.to_owned());
        server.start_again();
        server
    }

    /// Where it is, without the password.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Where it is, for who gives a password.
    pub fn url_with(&self, password: &str) -> String {
        format!("redis://:{password}@{}", self.address)
    }

    /// Starts it at the same place, with nothing in it; returns when it answers.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    #[expect(
        clippy::disallowed_methods,
        reason = "a server is started now and then, and takes a moment"
    )]
    pub fn start_again(&mut self) {
        self.kill();
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--port", &self.address.port().to_string()]);
        command.args(["--save", "", "--appendonly", "no"]);
        if let Some(password) = &self.password {
            command.args(["--requirepass", password]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.current_dir(std::env::temp_dir()).spawn();
        self.child =
            Some(child.expect("redis-server is installed (on Debian or Ubuntu: apt-get install redis-server)"));
        for _ in 0..LOOK.1 {
            if self.answers() {
                return;
            }
            let child = self.child.as_mut().expect("it was started");
            assert!(child.try_wait().expect("a state").is_none(), "redis-server ended");
            std::thread::sleep(LOOK.0);
        }
        panic!("redis-server does not answer");
    }

    fn answers(&self) -> bool {
        let ask = || {
            let mut stream = TcpStream::connect_timeout(&self.address, Duration::from_secs(1))?;
            stream.set_read_timeout(Some(Duration::from_secs(1)))?;
            stream.write_all(b"PING\r\n")?;
            let mut answer = [0; 5];
            stream.read_exact(&mut answer)?;
            std::io::Result::Ok(answer)
        };
        // Who asks for a password is there, too.
        ask().is_ok_and(|answer| matches!(&answer, b"+PONG" | b"-NOAU"))
    }

    /// Kills it, as a crash would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may be stopped, and ends all the same.
            child.kill().ok();
            child.wait().ok();
        }
    }

    /// Stops it where it is: connections stay, and nothing is answered.
    pub fn hang(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub fn go_on(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.as_ref().expect("it was started").id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status();
        assert!(sent.expect("kill is there").success());
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}
