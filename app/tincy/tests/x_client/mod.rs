//! What a window manager and a keyboard would send to a window: just enough of the X11 protocol.
#![allow(unreachable_pub, reason = "as in a crate of its own")]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

/// A connection to an X server.
pub struct Client {
    stream: UnixStream,
    root: u32,
}

/// `Escape` and `q` on the keyboard that servers without one have.
pub const ESCAPE: u8 = 9;
pub const Q: u8 = 24;

const QUERY_TREE: u8 = 15;
const INTERN_ATOM: u8 = 16;
const SEND_EVENT: u8 = 25;
const KEY_PRESS: u8 = 2;
const CLIENT_MESSAGE: u8 = 33;

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn short(bytes: &[u8], at: usize) -> usize {
    usize::from(u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap()))
}

impl Client {
    /// Connects to the server with a number.
    pub fn connect(server: &str) -> Client {
        let place = format!("/tmp/.X11-unix/X{server}");
        let mut stream = UnixStream::connect(place).unwrap();
        // Little-endian, version 11.0, no authorization.
        stream
            .write_all(&[b'l', 0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0])
            .unwrap();
        let mut head = [0; 8];
        stream.read_exact(&mut head).unwrap();
        let mut setup = vec![0; 4 * short(&head, 6)];
        stream.read_exact(&mut setup).unwrap();
        assert_eq!(head[0], 1, "{}", String::from_utf8_lossy(&setup));
        // The vendor's name and the formats are before the first screen, whose root comes first.
        let screen = 32 + short(&setup, 16).next_multiple_of(4) + 8 * usize::from(setup[21]);
        let root = number(&setup, screen);
        Client { stream, root }
    }

    /// A request: its code, its small field, the rest of it.
    fn send(&mut self, code: u8, field: u8, rest: &[u8]) {
        let length = (1 + rest.len() / 4) as u16;
        let mut request = vec![code, field];
        request.extend(length.to_le_bytes());
        request.extend(rest);
        self.stream.write_all(&request).unwrap();
    }

    fn reply(&mut self) -> Vec<u8> {
        let mut reply = vec![0; 32];
        self.stream.read_exact(&mut reply).unwrap();
        assert_eq!(reply[0], 1, "an error: {reply:?}");
        let more = 4 * number(&reply, 4) as usize;
        reply.resize(32 + more, 0);
        self.stream.read_exact(&mut reply[32..]).unwrap();
        reply
    }

    /// The window above all others.
    pub fn window(&mut self) -> u32 {
        let root = self.root.to_le_bytes();
        self.send(QUERY_TREE, 0, &root);
        let reply = self.reply();
        let count = short(&reply, 16);
        number(&reply, 32 + 4 * (count - 1))
    }

    fn atom(&mut self, name: &str) -> u32 {
        let mut rest = (name.len() as u16).to_le_bytes().to_vec();
        rest.extend([0; 2]);
        rest.extend(name.as_bytes());
        rest.resize(rest.len().next_multiple_of(4), 0);
        self.send(INTERN_ATOM, 0, &rest);
        number(&self.reply(), 8)
    }

    fn event(&mut self, window: u32, event: &[u8; 32]) {
        // No mask: it goes to whoever made the window.
        let rest = [&window.to_le_bytes()[..], &[0; 4], event].concat();
        self.send(SEND_EVENT, 0, &rest);
    }

    /// What the closing button does.
    pub fn close(&mut self, window: u32) {
        let numbers = [
            window,
            self.atom("WM_PROTOCOLS"),
            self.atom("WM_DELETE_WINDOW"),
        ];
        let mut event = [0; 32];
        (event[0], event[1]) = (CLIENT_MESSAGE, 32);
        event[4..16].copy_from_slice(&numbers.map(u32::to_le_bytes).concat());
        self.event(window, &event);
    }

    /// A key, pressed only.
    pub fn press(&mut self, window: u32, key: u8) {
        let mut event = [0; 32];
        (event[0], event[1], event[30]) = (KEY_PRESS, key, 1);
        event[8..16].copy_from_slice(&[self.root, window].map(u32::to_le_bytes).concat());
        self.event(window, &event);
    }
}
