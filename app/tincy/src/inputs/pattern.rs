//! `*`, `?`, `[a-z]` and `**` in names, for shells that leave them to us.

use std::path::{Path, PathBuf};

/// Whether a name holds signs of a pattern.
pub fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?', '['])
}

/// The files that match, sorted. `*` and `?` do not match `/` nor a leading dot; `**` as a whole
/// part stands for any number of folders.
pub fn matches(pattern: &str) -> Vec<PathBuf> {
    let (root, rest) = match pattern.strip_prefix('/') {
        Some(rest) => (PathBuf::from("/"), rest),
        None => (PathBuf::new(), pattern),
    };
    let parts: Vec<&str> = rest.split('/').filter(|part| !part.is_empty()).collect();
    let mut found = Vec::new();
    walk(&root, &parts, &mut found);
    found.sort();
    found.dedup();
    found
}

fn walk(folder: &Path, parts: &[&str], found: &mut Vec<PathBuf>) {
    let Some((part, rest)) = parts.split_first() else {
        if folder.exists() {
            found.push(folder.to_path_buf());
        }
        return;
    };
    if *part == "**" {
        walk(folder, rest, found);
        for name in names(folder).filter(|name| !name.starts_with('.')) {
            let inner = folder.join(name);
            if inner.is_dir() && !inner.is_symlink() {
                walk(&inner, parts, found);
            }
        }
    } else if is_pattern(part) {
        for name in names(folder).filter(|name| matches_name(part, name)) {
            walk(&folder.join(name), rest, found);
        }
    } else {
        walk(&folder.join(part), rest, found);
    }
}

fn names(folder: &Path) -> impl Iterator<Item = String> {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok())
}

/// Whether one part of a path matches one part of a pattern.
fn matches_name(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    // Where to resume when the rest after the last star does not match: one character later.
    let (mut p, mut n, mut resume) = (0, 0, None);
    while n < name.len() {
        if pattern.get(p) == Some(&'*') {
            resume = Some((p, n));
            p += 1;
        } else if let Some(next) = match_one(&pattern, p, name[n]) {
            (p, n) = (next, n + 1);
        } else if let Some((star, from)) = resume {
            resume = Some((star, from + 1));
            (p, n) = (star + 1, from + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|sign| *sign == '*')
}

/// Where the pattern goes on after matching one character.
fn match_one(pattern: &[char], at: usize, character: char) -> Option<usize> {
    match pattern.get(at)? {
        '?' => Some(at + 1),
        '[' => {
            let Some(length) = pattern[at + 1..]
                .iter()
                .skip(1)
                .position(|sign| *sign == ']')
            else {
                return (character == '[').then_some(at + 1);
            };
            let set = &pattern[at + 1..at + 2 + length];
            in_set(set, character).then_some(at + 3 + length)
        }
        sign => (*sign == character).then_some(at + 1),
    }
}

fn in_set(set: &[char], character: char) -> bool {
    let (negated, mut set) = match set {
        ['!' | '^', rest @ ..] if !rest.is_empty() => (true, rest),
        _ => (false, set),
    };
    let mut found = false;
    while let [first, rest @ ..] = set {
        set = match rest {
            ['-', last, after @ ..] => {
                found |= (*first..=*last).contains(&character);
                after
            }
            _ => {
                found |= *first == character;
                rest
            }
        };
    }
    found != negated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_as_in_a_shell() {
        let cases = [
            ("*.jpg", "dog.jpg", true),
            ("*.jpg", ".dog.jpg", false),
            (".*", ".dog", true),
            ("d?g", "dog", true),
            ("d?g", "dg", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b", "ab b", true),
            ("*a*b", "abc", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]x]", "]", true),
            ("a[", "a[", true),
            ("*ü?", "xüß", true),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(matches_name(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn patterns_walk_folders() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::write(inner.join("2.jpg"), "").unwrap();
        std::fs::write(folder.path().join("1.jpg"), "").unwrap();
        let found =
            |pattern: &str| matches(&format!("{}/{pattern}", folder.path().display())).len();
        assert_eq!(found("*.jpg"), 1);
        assert_eq!(found("**/*.jpg"), 2);
        assert_eq!(found("a/*/2.jpg"), 1);
        assert_eq!(found("x/*.jpg"), 0);
    }
}
