//! Cameras that are fake: modes, the queue, faults and coming back, with exact counts. What the real
//! kernel's calls do is not tested here; see `fake_camera`.

mod fake_camera;

use fake_camera::{
    EACCES, EBUSY, EFAULT, EINVAL, EIO, ENOMEM, ENOTTY, Fake, FakeSystem, Shot, Step, format,
};
use std::time::Duration;
use tincy_drivers::Error;
use tincy_drivers::camera::{Camera, Counts, Format, FourCc, Memory, Request, list};

const WEBCAM: &str = "HD Webcam";
const BUS: &str = "usb-0000:00:14.0-1";

fn webcam() -> Fake {
    Fake::new("/dev/video0", WEBCAM, BUS)
}

fn open(fakes: Vec<Fake>, request: &Request) -> Result<Camera<FakeSystem>, Error> {
    Camera::open_on(FakeSystem::new(fakes, Vec::new()), request)
}

/// What an error says; one line always.
fn said<T>(result: Result<T, Error>) -> String {
    let text = result.err().expect("an error").to_string();
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

/// Runs a script to its end: numbers and first bytes of the frames, the counts, and the fake.
fn play(fake: Fake, script: Vec<Step>) -> (Vec<(u64, u8)>, Counts, FakeSystem) {
    let system = FakeSystem::new(vec![fake], script);
    let mut camera = Camera::open_on(system.clone(), &Request::default()).unwrap();
    let mut frames = Vec::new();
    let over = system.clone();
    while let Some(frame) = camera.next(&|| over.is_over()).unwrap() {
        frames.push((frame.sequence(), frame.bytes()[0]));
    }
    (frames, camera.counts(), system)
}

fn frames(numbers: impl IntoIterator<Item = u32>) -> Step {
    Step::Frames(numbers.into_iter().map(Shot::whole).collect())
}

/// Steps that end in a silence, so that the last frame is not behind the script's end.
fn script(steps: impl IntoIterator<Item = Step>) -> Vec<Step> {
    let end = Step::Silence(Duration::from_millis(100));
    steps.into_iter().chain([end]).collect()
}

#[test]
fn what_comes_back_rules() {
    let mut fake = webcam();
    let given = Format {
        stride: 64,
        bt709: true,
        ..format(FourCc::UYVY, [20, 10])
    };
    fake.gives = Some(given);
    let camera = open(vec![fake.clone()], &Request::default()).unwrap();
    assert_eq!(*camera.format(), given);
    assert_eq!(camera.interval().unwrap().rate(), 30.0);
    // A stride that is left out is the row's; that of JPEG means nothing.
    fake.gives = Some(Format { stride: 0, ..given });
    let camera = open(vec![fake.clone()], &Request::default()).unwrap();
    assert_eq!(camera.format().stride, 40);
    fake.gives = Some(Format {
        stride: 77,
        ..format(FourCc::MJPEG, [20, 10])
    });
    let camera = open(vec![fake.clone()], &Request::default()).unwrap();
    assert_eq!(camera.format().stride, 0);
    // A rate that cannot be set is not known.
    for number in [ENOTTY, EINVAL] {
        fake.rate_fails = Some(number);
        let camera = open(vec![fake.clone()], &Request::default()).unwrap();
        assert_eq!(camera.interval(), None);
    }
}

#[test]
fn modes_that_cannot_be_read_are_refused() {
    let given = format(FourCc::YUYV, [16, 8]);
    let cases = [
        (
            Format {
                fourcc: FourCc(*b"H264"),
                ..given
            },
            "/dev/video0: asked for YUYV 16x8 at 30, it gives H264 16x8; choose another size or format",
        ),
        (
            Format { width: 0, ..given },
            "/dev/video0: asked for YUYV 16x8 at 30, it gives YUYV 0x8; choose another size or format",
        ),
        (
            Format {
                height: 1 << 20,
                ..given
            },
            "/dev/video0: asked for YUYV 16x8 at 30, it gives YUYV 16x1048576; choose another size or format",
        ),
        (
            Format {
                stride: 31,
                ..given
            },
            "/dev/video0: rows of 31 bytes for YUYV 16x8; choose another size or format",
        ),
        (
            Format { planes: 3, ..given },
            "/dev/video0: 3 planes of memory for YUYV 16x8; choose another size or format",
        ),
        (
            Format {
                chroma_stride: 15,
                ..format(FourCc::NV12M, [16, 8])
            },
            "/dev/video0: rows of 15 bytes for NM12 16x8; choose another size or format",
        ),
        (
            Format { field: 7, ..given },
            "/dev/video0: it gives half pictures (field order 7 of YUYV 16x8); choose another size or format",
        ),
    ];
    for (gives, expected) in cases {
        let mut fake = webcam();
        fake.gives = Some(gives);
        assert_eq!(said(open(vec![fake], &Request::default())), expected);
    }
}

#[test]
fn the_mode_that_is_wanted_is_asked_for() {
    let mut fake = webcam();
    fake.formats = vec![
        (FourCc::YUYV, vec![[640, 480]], vec![30]),
        (FourCc::YUYV, vec![[1280, 720]], vec![10]),
        (FourCc::MJPEG, vec![[640, 480], [1280, 720]], vec![30]),
    ];
    let request = |size, format| Request {
        size,
        format,
        ..Request::default()
    };
    for (size, format, expected) in [
        (None, None, "set YUYV 640x480"),
        (Some([1280, 720]), None, "set MJPG 1280x720"),
        (Some([1280, 720]), Some(FourCc::YUYV), "set YUYV 1280x720"),
    ] {
        let system = FakeSystem::new(vec![fake.clone()], Vec::new());
        Camera::open_on(system.clone(), &request(size, format)).unwrap();
        assert!(
            system.log().contains(&expected.into()),
            "{:?}",
            system.log()
        );
    }
    assert_eq!(
        said(open(vec![fake], &request(None, Some(FourCc::NV12)))),
        "/dev/video0: it does not give NV12; it has YUYV, MJPG; choose another format or camera"
    );
}

#[test]
fn cameras_are_found_by_number_path_name_and_bus() {
    let fakes = || {
        vec![
            webcam(),
            Fake::new("/dev/video1", WEBCAM, BUS).metadata(),
            Fake::new("/dev/video2", "Depth Camera", "usb-0000:00:14.0-2"),
            Fake::new("/dev/video10", "mxc-capture", "platform:csi").multi_planar(),
        ]
    };
    let found = |name: &str| {
        let request = Request {
            device: Some(name.into()),
            ..Request::default()
        };
        open(fakes(), &request).map(|camera| camera.path().display().to_string())
    };
    for (name, path) in [
        ("0", "/dev/video0"),
        ("2", "/dev/video2"),
        ("/dev/video2", "/dev/video2"),
        ("depth", "/dev/video2"),
        ("14.0-2", "/dev/video2"),
        ("webcam", "/dev/video0"),
        ("10", "/dev/video10"),
        ("mxc", "/dev/video10"),
    ] {
        assert_eq!(found(name).unwrap(), path, "{name}");
    }
    assert_eq!(
        said(found("kinect")),
        "no camera named kinect: there are /dev/video0 (HD Webcam), /dev/video2 (Depth Camera), \
         /dev/video10 (mxc-capture); name one of them"
    );
    assert_eq!(
        said(found("1")),
        "/dev/video1: it gives no pictures; tincy devices lists cameras"
    );
    assert_eq!(
        said(found("/dev/video7")),
        "/dev/video7: No such file or directory (os error 2); plug it in again; the kernel's log \
         (dmesg) may say more"
    );
}

#[test]
fn without_a_usable_camera_the_first_problem_is_said() {
    let text = said(open(vec![webcam().metadata()], &Request::default()));
    assert!(
        text.starts_with("no camera: there is no /dev/video*; "),
        "{text}"
    );
    let mut closed = webcam();
    closed.open_fails = Some(EACCES);
    assert_eq!(
        said(open(vec![closed.clone()], &Request::default())),
        "/dev/video0: Permission denied (os error 13); join the group video (sudo usermod -aG \
         video $USER) and log in again"
    );
    // The next one serves.
    let fakes = vec![closed, Fake::new("/dev/video4", "Other", "usb-2")];
    let camera = open(fakes, &Request::default()).unwrap();
    assert_eq!(camera.path().to_str(), Some("/dev/video4"));
    // A camera that another program streams from.
    let system = FakeSystem::new(vec![webcam()], Vec::new());
    let _first = Camera::open_on(system.clone(), &Request::default()).unwrap();
    let second = Camera::open_on(system, &Request::default());
    let text = said(second);
    let busy = std::io::Error::from_raw_os_error(EBUSY).to_string();
    assert!(
        text.contains(&busy) && text.contains("another program has it"),
        "{text}"
    );
}

#[test]
fn listings_tell_what_there_is_and_what_would_be_chosen() {
    let mut closed = Fake::new("/dev/video4", "Closed", "usb-4");
    closed.open_fails = Some(EACCES);
    let mut coded = Fake::new("/dev/video5", "Encoder", "usb-5");
    coded.formats = vec![(FourCc(*b"H264"), vec![[1920, 1080]], vec![30])];
    let fakes = vec![
        webcam(),
        Fake::new("/dev/video1", WEBCAM, BUS).metadata(),
        Fake::new("/dev/video2", "CSI", "platform:csi").multi_planar(),
        closed,
        coded,
    ];
    let listed = list(&FakeSystem::new(fakes, Vec::new()), &Request::default()).unwrap();
    let lines: Vec<_> = listed
        .iter()
        .map(|listing| {
            let mode = listing.mode.map(|mode| mode.to_string());
            let problem = listing.problem.as_ref().map(Error::to_string);
            let card = listing.identity.as_ref().map(|identity| &identity.card);
            format!("{card:?} {mode:?} {problem:?}").replace('"', "")
        })
        .collect();
    assert_eq!(
        lines,
        [
            "Some(HD Webcam) Some(YUYV 16x8 at 30) None",
            "Some(CSI) Some(YUYV 16x8 at 30) None",
            "None None Some(/dev/video4: Permission denied (os error 13); join the group video (sudo \
             usermod -aG video $USER) and log in again)",
            "Some(Encoder) None Some(/dev/video5: it does not give a format that is known; it has \
             H264; choose another format or camera)",
        ]
    );
}

#[test]
fn the_newest_frame_wins_and_the_others_go_back_at_once() {
    let steps = [frames([0, 1, 2]), frames([3]), frames([4, 5])];
    let (frames, counts, _) = play(webcam(), script(steps));
    assert_eq!(frames, [(2, 2), (3, 3), (5, 5)]);
    let expected = Counts {
        delivered: 3,
        late: 3,
        ..Counts::default()
    };
    assert_eq!(counts, expected);
}

#[test]
fn more_frames_than_buffers_are_taken_in_turns() {
    // The fake asserts that no buffer is queued twice and fills only queued ones.
    let steps = (0..50).map(|i| frames(9 * i..9 * i + 9));
    let (frames, counts, system) = play(webcam(), script(steps));
    assert_eq!(counts.delivered + counts.late, 450);
    assert_eq!(frames.len() as u64, counts.delivered);
    assert!(frames.is_sorted(), "newer frames have greater numbers");
    assert_eq!(frames.last().unwrap().0, 449);
    assert_eq!(
        system.log().iter().filter(|line| *line == "start").count(),
        1
    );
}

#[test]
fn bad_frames_are_counted_by_what_is_wrong_with_them() {
    let bad = |change: fn(&mut Shot)| {
        let mut shot = Shot::whole(9);
        change(&mut shot);
        shot
    };
    let shots = [
        bad(|shot| shot.damaged = true),
        bad(|shot| shot.bytes.truncate(255)),
        bad(|shot| shot.bytes.clear()),
        bad(|shot| shot.used = Some(1 << 20)), // more than the buffer has
        bad(|_| {}),
        bad(|shot| shot.damaged = true), // newer than a good one: the good one stays
    ];
    let steps: Vec<_> = shots[..3]
        .iter()
        .cloned()
        .map(|s| Step::Frames(vec![s]))
        .collect();
    let steps = steps.into_iter().chain([Step::Frames(shots[3..].to_vec())]);
    let (frames, counts, _) = play(webcam(), script(steps));
    assert_eq!(frames, [(4, 9)]);
    let expected = Counts {
        delivered: 1,
        flagged: 2,
        short: 3,
        ..Counts::default()
    };
    assert_eq!(counts, expected);
    assert_eq!(counts.dropped(), 5);
}

/// A camera whose frames lie in two planes of memory, each behind 128 bytes of the driver's.
fn two_planes() -> Fake {
    let mut fake = Fake::new("/dev/video0", "CSI", "platform:csi").multi_planar();
    fake.formats = vec![(FourCc::NV12M, vec![[16, 8]], vec![30])];
    fake.gives = Some(Format {
        stride: 20,
        chroma_stride: 32,
        ..format(FourCc::NV12M, [16, 8])
    });
    fake
}

fn planes(sequence: u32, luma: usize, chroma: usize) -> Shot {
    Shot {
        bytes: vec![sequence as u8; luma],
        chroma: vec![0x80 | sequence as u8; chroma],
        offset: 128,
        ..Shot::whole(sequence)
    }
}

#[test]
fn planes_that_lie_apart_become_one_picture() {
    let shots = vec![planes(1, 20 * 8, 32 * 4)];
    let system = FakeSystem::new(vec![two_planes()], vec![Step::Frames(shots)]);
    let mut camera = Camera::open_on(system, &Request::default()).unwrap();
    let frame = camera.next(&|| false).unwrap().unwrap();
    assert_eq!(frame.bytes(), [1; 20 * 8]);
    assert_eq!(frame.plane(1), [0x81; 32 * 4]);
    assert!(frame.plane(2).is_empty());
    let mut joined = vec![9; 7];
    frame.copy_to(&mut joined);
    let row = |level: u8| [[level; 16].as_slice(), &[0; 4]].concat();
    assert_eq!(
        joined,
        [vec![row(1); 8], vec![row(0x81); 4]].concat().concat()
    );
}

#[test]
fn each_plane_must_be_whole() {
    // The last row may lack what lies behind its pixels.
    let whole = [20 * 7 + 16, 32 * 3 + 16];
    let steps = [
        (whole[0], whole[1]),
        (whole[0] - 1, whole[1]),
        (whole[0], whole[1] - 1),
        (whole[0], 0),
        (whole[0], whole[1]),
    ];
    let mut steps: Vec<_> = (0..5)
        .map(|i| planes(i, steps[i as usize].0, steps[i as usize].1))
        .collect();
    // The driver says less than it has skipped.
    let mut senseless = planes(5, whole[0], whole[1]);
    senseless.used = Some(100);
    steps.push(senseless);
    let steps = steps.into_iter().map(|shot| Step::Frames(vec![shot]));
    let (frames, counts, _) = play(two_planes(), script(steps));
    assert_eq!(frames, [(0, 0), (4, 4)]);
    assert_eq!((counts.short, counts.delivered), (4, 2));
}

#[test]
fn multi_planar_cameras_survive_what_others_do() {
    let away = Duration::from_millis(650);
    let good = |sequence| planes(sequence, 20 * 8, 32 * 4);
    let steps = [
        Step::Frames(vec![good(1), good(2)]),
        Step::Silence(Duration::from_millis(3050)),
        Step::Frames(vec![good(3)]),
        Step::Unplug(away, "/dev/video3", "platform:csi"),
        Step::Frames(vec![good(4)]),
    ];
    let (frames, counts, _) = play(two_planes(), script(steps));
    assert_eq!(frames, [(1, 2), (2, 3), (3, 4)]);
    let expected = Counts {
        delivered: 3,
        late: 1,
        timeouts: 1,
        restarts: 1,
        losses: 1,
        returns: 1,
        ..Counts::default()
    };
    assert_eq!(counts, expected);
}

#[test]
fn sizes_that_are_not_listed_are_those_that_are_set_or_wanted() {
    let mut fake = webcam();
    fake.sizes_unlisted = Some([32, 24]);
    for (size, expected) in [(None, "set YUYV 32x24"), (Some([64, 48]), "set YUYV 64x48")] {
        let request = Request {
            size,
            ..Request::default()
        };
        let system = FakeSystem::new(vec![fake.clone()], Vec::new());
        Camera::open_on(system.clone(), &request).unwrap();
        let log = system.log();
        assert!(log.contains(&expected.into()), "{log:?}");
    }
}

#[test]
fn buffers_are_the_drivers_or_a_heaps() {
    let with = |name: Option<&str>| Request {
        memory: Memory::Heap(name.map(String::from)),
        ..Request::default()
    };
    let steps = vec![Step::Unplug(Duration::from_millis(100), "/dev/video0", BUS)];
    let system = FakeSystem::new(vec![webcam()], [steps, script([frames([1])])].concat());
    let mut camera = Camera::open_on(system.clone(), &with(None)).unwrap();
    assert!(camera.next(&|| false).unwrap().is_some());
    // Once more when it has come back.
    let lines = system.log();
    let times = lines.iter().filter(|line| *line == "buffers of reserved");
    assert_eq!(times.count(), 2);
    assert_eq!(
        said(open(vec![webcam()], &with(Some("system")))),
        "no dma-heap named system: there are reserved; name one of them"
    );
    for (number, expected) in [
        (
            EINVAL,
            "/dev/video0: it does not start on buffers of the heap reserved: Invalid argument (os \
             error 22); name a heap of contiguous memory (--buffers heap:NAME), or leave --buffers out",
        ),
        (
            EFAULT,
            "/dev/video0: it does not start on buffers of the heap reserved: Bad address (os error \
             14); name a heap of contiguous memory (--buffers heap:NAME), or leave --buffers out",
        ),
        (
            ENOMEM,
            "/dev/video0: it does not start on buffers of the heap reserved: Cannot allocate memory \
             (os error 12); a smaller size, or a larger heap (cma=128M for the kernel)",
        ),
        (
            EBUSY,
            "/dev/video0: it does not start on buffers of the heap reserved: Device or resource busy \
             (os error 16); another program has it: end that (fuser -v /dev/video*)",
        ),
    ] {
        let mut fake = webcam();
        fake.import_fails = Some(number);
        assert_eq!(said(open(vec![fake], &with(None))), expected);
    }
}

#[test]
fn jpegs_that_are_none_are_corrupt() {
    let mut fake = webcam();
    fake.formats = vec![(FourCc::MJPEG, vec![[16, 8]], vec![30])];
    let jpeg = |start: [u8; 3], bytes: usize| {
        let mut shot = Shot::whole(0xFF);
        shot.bytes = [&start[..], &vec![7; bytes - 3]].concat();
        Step::Frames(vec![shot])
    };
    let steps = [
        jpeg([0xFF, 0xD8, 0xFF], 100),
        jpeg([0x00, 0xD8, 0xFF], 100),
        jpeg([0xFF, 0xD8, 0xFF], 63), // no JPEG is as short
        jpeg([0xFF, 0xD8, 0xFF], 64),
    ];
    let (frames, counts, _) = play(fake, script(steps));
    assert_eq!(frames.len(), 2);
    assert_eq!((counts.corrupt, counts.short, counts.delivered), (1, 1, 2));
}

#[test]
fn numbers_go_on_and_count_what_the_driver_lost() {
    let steps = [
        frames([7]),
        frames([8]),
        frames([11]),       // 9 and 10 are missing
        frames([u32::MAX]), // no gap can be so large
        frames([0]),        // wrapped
        frames([0]),        // a driver that does not count
    ];
    let (frames, counts, _) = play(webcam(), script(steps));
    let numbers: Vec<_> = frames.iter().map(|frame| frame.0).collect();
    assert_eq!(numbers, [0, 1, 4, 5, 6, 7]);
    assert_eq!(counts.missed, 2);
}

#[test]
fn times_are_the_drivers_where_it_gives_them() {
    let mut untimed = Shot::whole(1);
    untimed.timed = false;
    let steps = vec![frames([0]), Step::Frames(vec![untimed])];
    let system = FakeSystem::new(vec![webcam()], steps);
    let mut camera = Camera::open_on(system.clone(), &Request::default()).unwrap();
    for behind in [5, 0] {
        let frame = camera.next(&|| false).unwrap().unwrap();
        let time = frame.time();
        drop(frame);
        assert_eq!(camera.now() - time, Duration::from_millis(behind));
    }
}

#[test]
fn after_a_time_out_the_stream_is_started_anew() {
    let silence = Step::Silence(Duration::from_millis(3050));
    let steps = [
        frames([0]),
        silence.clone(),
        frames([1]),
        silence,
        frames([2]),
    ];
    let (frames, counts, system) = play(webcam(), script(steps));
    assert_eq!(frames, [(0, 0), (1, 1), (2, 2)]);
    let expected = Counts {
        delivered: 3,
        timeouts: 2,
        restarts: 2,
        ..Counts::default()
    };
    assert_eq!(counts, expected);
    let starts = system.log().iter().filter(|line| *line == "start").count();
    assert_eq!(starts, 3);
}

#[test]
fn after_three_time_outs_the_camera_is_opened_again() {
    let silence = Step::Silence(Duration::from_millis(9200));
    let (frames, counts, _) = play(webcam(), script([frames([5]), silence, frames([0])]));
    assert_eq!(frames, [(0, 5), (1, 0)]);
    let expected = Counts {
        delivered: 2,
        timeouts: 3,
        restarts: 2,
        losses: 1,
        returns: 1,
        ..Counts::default()
    };
    assert_eq!(counts, expected);
}

#[test]
fn loss_of_signal_is_survived() {
    let fail = || Step::Fail(EIO);
    // Once, then three times in a row, which is once too often for restarts.
    let steps = [
        frames([0]),
        fail(),
        frames([1]),
        fail(),
        fail(),
        fail(),
        frames([2]),
    ];
    let (frames, counts, _) = play(webcam(), script(steps));
    assert_eq!(frames, [(0, 0), (1, 1), (2, 2)]);
    let expected = Counts {
        delivered: 3,
        errors: 4,
        restarts: 3,
        losses: 1,
        returns: 1,
        ..Counts::default()
    };
    assert_eq!(counts, expected);
}

#[test]
fn a_buffer_that_cannot_be_put_back_starts_the_stream_anew() {
    let steps = [Step::FailQueue(EINVAL), frames([0]), frames([1])];
    let (frames, counts, _) = play(webcam(), script(steps));
    assert_eq!(frames, [(0, 0), (1, 1)]);
    assert_eq!((counts.errors, counts.restarts, counts.losses), (1, 1, 0));
}

#[test]
fn an_unplugged_camera_is_found_where_it_comes_back() {
    let away = Duration::from_millis(650);
    for (path, bus) in [
        ("/dev/video0", BUS),
        ("/dev/video2", BUS),
        ("/dev/video0", "usb-0000:00:14.0-3"),
    ] {
        let steps = [frames([41, 42]), Step::Unplug(away, path, bus), frames([0])];
        let (frames, counts, system) = play(webcam(), script(steps));
        assert_eq!(frames, [(1, 42), (2, 0)], "{path} {bus}");
        let expected = Counts {
            delivered: 2,
            late: 1,
            losses: 1,
            returns: 1,
            ..Counts::default()
        };
        assert_eq!(counts, expected);
        assert!(
            system
                .log()
                .iter()
                .any(|line| *line == format!("open {path}"))
        );
    }
}

#[test]
fn another_camera_is_not_taken_for_the_one_that_is_lost() {
    let away = Duration::from_secs(20);
    let steps = vec![
        frames([1]),
        Step::Unplug(away, "/dev/video0", BUS),
        frames([2]),
        Step::Silence(Duration::from_millis(100)),
    ];
    let others = [
        Fake::new("/dev/video2", "Other", "usb-2"),
        Fake::new("/dev/video4", WEBCAM, "usb-4"),
        Fake::new("/dev/video6", WEBCAM, "usb-6"),
    ];
    let system = FakeSystem::new([vec![webcam()], others.to_vec()].concat(), steps);
    let request = Request {
        device: Some("0".into()),
        ..Request::default()
    };
    let mut camera = Camera::open_on(system.clone(), &request).unwrap();
    let over = system.clone();
    let mut count = 0;
    while camera.next(&|| over.is_over()).unwrap().is_some() {
        count += 1;
    }
    assert_eq!((count, camera.counts().returns), (2, 1));
    assert_eq!(camera.path().to_str(), Some("/dev/video0"));
    // Tries after 0.1, 0.3, 0.7, 1.5, 3.1, 6.3, 11.3, 16.3 and 21.3 s: nine of the node itself.
    let log = system.log();
    let tries = log
        .iter()
        .filter(|line| *line == "open /dev/video2")
        .count();
    assert_eq!(tries, 8, "{log:?}");
    assert!(
        system.passed() > Duration::from_secs(21),
        "{:?}",
        system.passed()
    );
}

/// Two alike behind a hub: the other one is back earlier.
#[test]
fn of_two_that_are_alike_the_lost_one_is_waited_for() {
    let away = Duration::from_millis(900);
    let steps = [
        frames([1]),
        Step::Unplug(away, "/dev/video0", BUS),
        frames([2]),
    ];
    let other = Fake::new("/dev/video2", WEBCAM, "usb-2");
    let system = FakeSystem::new(vec![webcam(), other], script(steps));
    let request = Request {
        device: Some("0".into()),
        ..Request::default()
    };
    // The other one is there at the try after 0.7 s, both are at the one after 1.5 s.
    system.0.borrow_mut().fakes[1].present = false;
    let mut camera = Camera::open_on(system.clone(), &request).unwrap();
    assert!(camera.next(&|| false).unwrap().is_some());
    let shown = system.clone();
    let appear = || {
        let late = shown.passed() > Duration::from_millis(400);
        shown.0.borrow_mut().fakes[1].present |= late;
        false
    };
    assert!(camera.next(&appear).unwrap().is_some());
    assert_eq!(camera.path().to_str(), Some("/dev/video0"));
    let opened = system.log().contains(&"open /dev/video2".to_string());
    assert!(opened, "{:?}", system.log());
}

#[test]
fn patience_has_an_end_and_a_wish_to_stop_is_heard() {
    let away = Duration::from_secs(3600);
    let steps = vec![frames([1]), Step::Unplug(away, "/dev/video0", BUS)];
    let system = FakeSystem::new(vec![webcam()], steps);
    let request = Request {
        patience: Some(Duration::from_secs(10)),
        ..Request::default()
    };
    let mut camera = Camera::open_on(system.clone(), &request).unwrap();
    assert!(camera.next(&|| false).unwrap().is_some());
    let text = said(camera.next(&|| false).map(|_| ()));
    assert!(text.starts_with("/dev/video0: No such file"), "{text}");
    let passed = system.passed().as_secs_f64();
    assert!((10.0..16.0).contains(&passed), "{passed}");
    // Stopping while it is lost.
    let late = system.passed() + Duration::from_secs(2);
    let over = system.clone();
    assert!(camera.next(&|| over.passed() > late).unwrap().is_none());
    assert!(system.passed() <= late + Duration::from_millis(200));
}

#[test]
fn any_order_of_faults_is_survived_and_every_frame_is_accounted_for() {
    for seed in 0..200u32 {
        let mut state = seed.wrapping_mul(2_654_435_761) | 1;
        let mut roll = |sides: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % sides
        };
        let mut sequence = 0;
        let mut steps = Vec::new();
        for _ in 0..60 {
            let step = match roll(8) {
                0 => Step::Silence(Duration::from_millis(u64::from(roll(5000)))),
                1 => Step::Fail([EIO, EINVAL][roll(2) as usize]),
                2 => Step::Unplug(
                    Duration::from_millis(u64::from(roll(4000))),
                    "/dev/video3",
                    BUS,
                ),
                3 => Step::FailQueue(EIO),
                _ => {
                    let count = 1 + sequence % 3;
                    let mut shot = || {
                        sequence += 1;
                        let mut shot = Shot::whole(sequence);
                        shot.damaged = roll(6) == 0;
                        if roll(6) == 0 {
                            shot.bytes.truncate(roll(256) as usize);
                        }
                        shot
                    };
                    Step::Frames((0..count).map(|_| shot()).collect())
                }
            };
            steps.push(step);
        }
        let (frames, counts, system) = play(webcam(), script(steps));
        assert_eq!(frames.len() as u64, counts.delivered, "{seed}");
        let taken = system.0.borrow().taken;
        assert_eq!(counts.delivered + counts.dropped(), taken, "{seed}");
        assert!(frames.iter().is_sorted_by(|a, b| a.0 < b.0), "{seed}");
        assert!(counts.losses - counts.returns <= 1, "{seed} {counts:?}");
    }
}
