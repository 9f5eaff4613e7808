use std::io::{self, ErrorKind, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::sink::Sink;
use super::whole::Inner;

type Taken = Arc<Mutex<Vec<u8>>>;

/// Writes by a function.
struct By<F>(F);

impl<F: FnMut(&[u8]) -> io::Result<usize>> Write for By<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (self.0)(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn sink(write: impl FnMut(&[u8]) -> io::Result<usize> + Send + 'static) -> Arc<Sink> {
    Arc::new(Sink::new(Inner::Writer(Box::new(By(write)))))
}

fn write(sink: &Sink, line: &str) {
    sink.write(|buffer| buffer.extend_from_slice(line.as_bytes()));
}

/// A sink behind a queue, whose writer takes a line each time it is let, and how many it began.
fn held(capacity: usize) -> (Arc<Sink>, Taken, Sender<()>, Receiver<()>) {
    let (go_on, held) = channel::<()>();
    let (begun, begins) = channel();
    let taken = Taken::default();
    let kept = Arc::clone(&taken);
    let sink = sink(move |bytes| {
        let _ = begun.send(());
        let _ = held.recv();
        kept.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    });
    sink.queue(capacity, thread::Builder::new()).unwrap();
    (sink, taken, go_on, begins)
}

fn text(taken: &Taken) -> String {
    String::from_utf8(taken.lock().unwrap().clone()).unwrap()
}

#[test]
fn a_line_cut_short_is_counted_and_ended_before_the_next() {
    let taken = Taken::default();
    let kept = Arc::clone(&taken);
    // last first
    let mut script =
        vec![Ok(0), Err(ErrorKind::BrokenPipe), Err(ErrorKind::Interrupted), Ok::<usize, _>(2)];
    let sink = sink(move |bytes| {
        let count = script.pop().unwrap_or(Ok(usize::MAX))?.min(bytes.len());
        kept.lock().unwrap().extend_from_slice(&bytes[..count]);
        Ok(count)
    });
    write(&sink, "one\n");
    assert_eq!(sink.lost_lines(), 1);
    write(&sink, "two\n");
    assert_eq!(sink.lost_lines(), 2, "even the line's end was refused");
    write(&sink, "three\n");
    assert_eq!(sink.lost_lines(), 2);
    assert_eq!(text(&taken), "on\nthree\n");
}

#[test]
fn a_writer_that_panics_loses_its_line_only() {
    for queued in [false, true] {
        let taken = Taken::default();
        let kept = Arc::clone(&taken);
        let mut count = 0;
        let sink = sink(move |bytes| {
            count += 1;
            let some = if count == 1 { &bytes[..2] } else { bytes };
            kept.lock().unwrap().extend_from_slice(some);
            assert!(count > 1, "on purpose");
            Ok(some.len())
        });
        if queued {
            sink.queue(2, thread::Builder::new()).unwrap();
        }
        write(&sink, "one\n");
        write(&sink, "two\n");
        sink.close(Duration::MAX);
        assert_eq!((sink.lost_lines(), &*text(&taken)), (1, "on\ntwo\n"), "queued: {queued}");
    }
}

#[test]
fn a_line_logged_within_the_writer_is_lost() {
    for queued in [false, true] {
        let own: Arc<Mutex<Option<Arc<Sink>>>> = Arc::default();
        let taken = Taken::default();
        let (kept, inner) = (Arc::clone(&taken), Arc::clone(&own));
        let sink = sink(move |bytes| {
            kept.lock().unwrap().extend_from_slice(bytes);
            if let Some(own) = &*inner.lock().unwrap() {
                write(own, "of its own\n");
                own.close(Duration::MAX);
            }
            Ok(bytes.len())
        });
        if queued {
            sink.queue(2, thread::Builder::new()).unwrap();
        }
        *own.lock().unwrap() = Some(Arc::clone(&sink));
        write(&sink, "one\n");
        sink.close(Duration::MAX);
        *own.lock().unwrap() = None;
        let found = (sink.lost_lines(), text(&taken));
        assert_eq!(found, (1, "one\n".to_owned()), "queued: {queued}");
    }
}

#[test]
fn a_full_queue_loses_lines_and_counts_them() {
    let (sink, taken, go_on, begins) = held(2);
    sink.queue(7, thread::Builder::new()).unwrap(); // there is one
    write(&sink, "0\n");
    begins.recv().unwrap();
    for n in 1..10 {
        write(&sink, &format!("{n}\n"));
    }
    assert_eq!(sink.lost_lines(), 7);
    drop(go_on);
    sink.close(Duration::MAX);
    assert_eq!(text(&taken), "0\n1\n2\n", "closing writes the queue");
    write(&sink, "late\n");
    assert_eq!(sink.lost_lines(), 8);
    sink.close(Duration::MAX);
    assert_eq!((sink.lost_lines(), &*text(&taken)), (8, "0\n1\n2\n"));
}

#[test]
fn what_a_close_gives_up_is_counted_and_not_written() {
    let (sink, taken, go_on, begins) = held(10);
    for n in 0..5 {
        write(&sink, &format!("{n}\n"));
    }
    begins.recv().unwrap();
    assert_eq!(sink.lost_lines(), 0);
    sink.close(Duration::ZERO);
    assert_eq!(sink.lost_lines(), 5, "the first is not written either, as far as one can tell");
    drop(go_on);
    drop(sink);
    // the thread drops the writer when it is done
    assert!(begins.recv().is_err());
    assert_eq!(text(&taken), "0\n");
}

#[test]
fn without_a_thread_there_is_no_queue() {
    let taken = Taken::default();
    let kept = Arc::clone(&taken);
    let sink = sink(move |bytes| {
        kept.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    });
    // more than there is to address
    let thread = thread::Builder::new().stack_size(usize::MAX / 4);
    assert!(sink.queue(2, thread).is_err());
    write(&sink, "at once\n");
    assert_eq!((sink.lost_lines(), &*text(&taken)), (0, "at once\n"));
}
