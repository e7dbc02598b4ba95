//! What a value says about itself.

/// How the tokens of well-known services begin.
const BEGINNINGS: [&str; 63] = [
    "AGE-SECRET-KEY-",
    "AIza",
    "AKIA",
    "ASIA",
    "AKCp",
    "ATATT3x",
    "ATCTT3x",
    "GOCSPX-",
    "NRAK-",
    "PMAK-",
    "SG.",
    "apify_api_",
    "ctx7sk-",
    "dckr_pat_",
    "doo_v1_",
    "dop_v1_",
    "dp.pt.",
    "dp.st.",
    "eyJ",
    "figd_",
    "ghp_",
    "gho_",
    "ghr_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glcbt-",
    "gldt-",
    "glpat-",
    "glrt-",
    "glsa_",
    "gsk_",
    "hf_",
    "hvb.",
    "hvs.",
    "lin_api_",
    "lin_oauth_",
    "lsv2_pt_",
    "lsv2_sk_",
    "n8n_api_",
    "npm_",
    "ntn_",
    "nvapi-",
    "phx_",
    "pplx-",
    "pypi-",
    "r8_",
    "rk_live_",
    "sb_secret_",
    "sbp_",
    "shpat_",
    "shpss_",
    "sk-",
    "sk_live_",
    "sk_test_",
    "sntrys_",
    "tvk_",
    "tvly-",
    "whsec_",
    "xai-",
    "xapp-",
    "xoxb-",
    "xoxp-",
];
/// Beginnings that other words have too: what follows must look like a key.
const SHORT_BEGINNINGS: [&str; 8] = [
    "BSA", "fc-", "key-", "pat-", "re_", "secret_", "xoxa-", "ya29.",
];
/// Switches and the like.
const SWITCHES: [&str; 16] = [
    "true", "false", "yes", "no", "on", "off", "none", "null", "auto", "default", "enabled",
    "disabled", "always", "never", "required", "optional",
];
/// A number of at least this many digits may be a key.
const LONG_NUMBER: usize = 16;
/// Characters of a token, and its length, at which it is one by its looks.
const LONG_TOKEN: usize = 32;
const LONG_PART: usize = 20;
/// A commit of git, as it stands in URLs of packages.
const COMMIT: usize = 40;

/// Whether it is a variable that the client or a shell fills in.
pub(super) fn is_filled_in(value: &str) -> bool {
    let rest = value.trim_start_matches(['"', '\'']);
    rest.starts_with('$') || rest.starts_with("{env:") || rest.starts_with("{file:")
}

/// Whether it is a setting, whatever it is called.
pub(super) fn is_setting(value: &str) -> bool {
    is_switch(value) || is_number(value) || is_place(value)
}

/// Whether it turns something on or off.
pub(super) fn is_switch(value: &str) -> bool {
    SWITCHES.contains(&value.to_ascii_lowercase().as_str())
}

/// Whether it says where something is: a path, or a URL. A URL may hold a credential all the same.
pub(super) fn is_place(value: &str) -> bool {
    let is_windows = value
        .get(1..3)
        .is_some_and(|rest| matches!(rest, ":\\" | ":/"));
    let is_ending = |ending: &str| {
        (1..=5).contains(&ending.len()) && !ending.bytes().any(|byte| byte.is_ascii_uppercase())
    };
    let is_file = value.contains('/')
        && std::path::Path::new(value)
            .extension()
            .and_then(std::ffi::OsStr::to_str)
            .is_some_and(is_ending);
    // A reference outside a template is literal text. It is refused as a credential, with how to write it.
    let is_url = value.contains("://") && !value.starts_with("secret://");
    let is_here = ["./", "../", "~/"]
        .iter()
        .any(|start| value.starts_with(start));
    let is_absolute = value.starts_with('/')
        && !(value.len() >= LONG_TOKEN && value.split('/').any(is_long_token));
    is_here || is_windows || is_file || is_absolute || is_url
}

fn is_number(value: &str) -> bool {
    let digits = value.trim_start_matches(['-', '+']);
    digits.len() < LONG_NUMBER
        && digits.bytes().any(|byte| byte.is_ascii_digit())
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b',' | b'_'))
}

/// Whether it is no plain word.
pub(super) fn is_opaque(value: &str) -> bool {
    value.len() >= 8
        && value
            .bytes()
            .any(|byte| !byte.is_ascii_lowercase() && byte != b'-')
}

/// Whether a token begins as those of a well-known service do.
pub(super) fn is_known(token: &str) -> bool {
    let is_long = BEGINNINGS.iter().any(|start| {
        token.strip_prefix(start).is_some_and(|rest| {
            rest.len() >= 8
                && (start.ends_with('_') || rest.bytes().any(|byte| byte.is_ascii_digit()))
        })
    });
    let is_short = SHORT_BEGINNINGS.iter().any(|start| {
        token
            .strip_prefix(start)
            .is_some_and(|rest| rest.len() >= LONG_PART && is_mixed(rest))
    });
    is_long || is_short
}

/// Whether it looks like a key by itself: long, and of small and capital letters and digits in no order.
pub(super) fn is_long_token(value: &str) -> bool {
    let has = |class: fn(&u8) -> bool| value.as_bytes().iter().any(class);
    value.len() >= LONG_TOKEN
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_uppercase)
        && is_mixed(value)
}

/// Whether a part of a URL looks like a key: a known one, letters and digits in no order, or a UUID, which some
/// services take for a password.
pub(super) fn is_key_part(part: &str) -> bool {
    let is_hex = part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_random = part.len() >= LONG_PART && is_mixed(part) && !(is_hex && part.len() == COMMIT);
    is_known(part) || is_random || is_uuid(part)
}

pub(super) fn is_uuid(part: &str) -> bool {
    let lengths: Vec<usize> = part.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12]
        && part
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// Whether letters and digits change more often than in words: in at least three of ten places.
fn is_mixed(token: &str) -> bool {
    let class = |byte: u8| match byte {
        b'0'..=b'9' => 0,
        b'a'..=b'z' => 1,
        _ => 2,
    };
    let is_token =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'=' | b'+' | b'~');
    let digits = token.bytes().filter(u8::is_ascii_digit).count();
    let pairs = token.bytes().zip(token.bytes().skip(1));
    let changes = pairs
        .filter(|&(one, next)| class(one) != class(next))
        .count();
    token.bytes().all(is_token) && digits >= 3 && changes * 10 >= token.len() * 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_from_words_by_their_looks() {
        for key in [
            "Zm4Kq81LxP0dTn7RwYb2",
            "65c0e1c5d01ac4edb932ff",
            "0b6f4c1e-8d2a-4f7b-9c3d-5e1a7b8c9d0e",
        ] {
            assert!(is_key_part(key), "{key}");
        }
        for word in [
            "javascript-nextjs-g6",
            "ModelContextProtocol2024",
            "server-filesystem-2026-11-29",
            "0a1b2c3d4e5f60718293a4b5c6d7e8f900112233",
            "mcp",
        ] {
            assert!(!is_key_part(word), "{word}");
        }
    }

    #[test]
    fn beginnings_count_only_before_a_key() {
        for key in [
            "ghp_abcdefgh",
            "sk-proj-0123456789",
            "fc-0f1e2d3c4b5a69788796a5b4c3d2e1f0",
        ] {
            assert!(is_known(key), "{key}");
        }
        for word in [
            "sk-learn-tools-server",
            "fc-solver-package-for-games",
            "ghp_",
            "re_export_all_of_the_modules",
        ] {
            assert!(!is_known(word), "{word}");
        }
    }
}
