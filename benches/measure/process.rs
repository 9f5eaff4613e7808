//! A process that runs one row, asked and answering line by line.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The hidden argument before a row's name.
pub(crate) const FLAG: &str = "--row";

/// Set where valgrind runs a row, which cannot look at the process as a scrape does.
pub(crate) const COUNTED: &str = "ROW_IS_COUNTED";

/// Whether valgrind runs this.
#[allow(dead_code, reason = "of the benches that scrape")]
pub(crate) fn is_counted() -> bool {
    std::env::var_os(COUNTED).is_some()
}

/// The command that runs a row.
pub(crate) fn command(mut command: Command, row: &str) -> Command {
    command.args([FLAG, row]).stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// The program that is running.
pub(crate) fn program() -> PathBuf {
    std::env::current_exe().expect("the path of this program")
}

/// A row's process, from outside.
pub(crate) struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Process {
    pub(crate) fn start(row: &str) -> Self {
        let mut child = command(Command::new(program()), row).spawn().expect("a process");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, input, output }
    }

    pub(crate) fn ask(&mut self, number: impl Into<u64>) -> String {
        let input = self.input.as_mut().expect("open until the drop");
        writeln!(input, "{}", number.into()).expect("a process that listens");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("a process that answers");
        line
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.input.take()); // its end ends the process
        let _ = self.child.wait();
    }
}
