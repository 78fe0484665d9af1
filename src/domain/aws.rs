//! The shapes of AWS' names.

/// Whether `text` is shaped like a region.
pub fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else {
        return false;
    };
    let word = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    (3..=4).contains(&parts.len())
        && first.len() == 2
        && parts[..parts.len() - 1].iter().all(word)
        && last.len() == 1
        && last.bytes().all(|b| b.is_ascii_digit() && b != b'0')
}

/// Whether `text` is the ARN of an IAM role.
pub fn is_role_arn(text: &str) -> bool {
    let Some((partition, rest)) = text
        .strip_prefix("arn:")
        .and_then(|rest| rest.split_once(":iam::"))
    else {
        return false;
    };
    let Some((account, role)) = rest.split_once(":role/") else {
        return false;
    };
    ["aws", "aws-us-gov", "aws-cn"].contains(&partition)
        && account.len() == 12
        && account.bytes().all(|b| b.is_ascii_digit())
        && (1..=512).contains(&role.len())
        && !role.ends_with('/')
        && role
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+=,.@_/-".contains(&b))
}

/// Whether `text` may be an S3 bucket's name.
pub fn is_bucket(text: &str) -> bool {
    let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let bytes = text.as_bytes();
    (3..=63).contains(&bytes.len())
        && edge(bytes.first())
        && edge(bytes.last())
        && !text.contains("..")
        && bytes
            .iter()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-' || *b == b'.')
}

/// Whether `text` is an id of EC2 with that prefix, such as `vpc-0123456789abcdef0`.
pub fn is_ec2_id(text: &str, prefix: &str) -> bool {
    let id = text.strip_prefix(prefix).and_then(|t| t.strip_prefix('-'));
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    id.is_some_and(|id| [8, 17].contains(&id.len()) && id.bytes().all(hex))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        for good in [
            "us-west-2",
            "eu-central-1",
            "us-gov-west-1",
            "ap-northeast-1",
        ] {
            assert!(is_region(good), "{good}");
        }
        for bad in [
            "",
            "us-west",
            "us-west-",
            "us-west-0",
            "US-west-2",
            "uswest2",
            "us-west-22",
            "-a-1",
        ] {
            assert!(!is_region(bad), "{bad}");
        }
        for good in [
            "arn:aws:iam::123456789012:role/databricks",
            "arn:aws-us-gov:iam::123456789012:role/path/to/role",
        ] {
            assert!(is_role_arn(good), "{good}");
        }
        for bad in [
            "",
            "arn:aws:iam::12345678901:role/x",
            "arn:aws:iam::123456789012:user/x",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:s3:::bucket",
            "arn:aws:iam::123456789012:role/a b",
        ] {
            assert!(!is_role_arn(bad), "{bad}");
        }
        for good in ["abc", "my-root-bucket", "a.b.c"] {
            assert!(is_bucket(good), "{good}");
        }
        for good in ["subnet-0123456789abcdef0", "subnet-12345678"] {
            assert!(is_ec2_id(good, "subnet"), "{good}");
        }
        for bad in [
            "subnet-1",
            "subnet-1234567g",
            "subnet12345678",
            "sg-12345678",
            "",
        ] {
            assert!(!is_ec2_id(bad, "subnet"), "{bad}");
        }
        for bad in ["ab", "Abc", "-ab", "ab-", "a..b", "a_b", &"a".repeat(64)] {
            assert!(!is_bucket(bad), "{bad}");
        }
    }
}
