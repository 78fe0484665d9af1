//! Ranges of IPv4 addresses.

use std::net::Ipv4Addr;

/// A range, such as 10.0.0.0/16.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cidr {
    base: u32,
    /// Bits of the prefix.
    pub(crate) length: u8,
}

impl Cidr {
    /// Bits behind the prefix are zero.
    pub(crate) fn parse(text: &str) -> Option<Cidr> {
        let (base, length) = text.split_once('/')?;
        let base = u32::from(base.parse::<Ipv4Addr>().ok()?);
        let length: u8 = length.parse().ok().filter(|length| *length <= 32)?;
        let cidr = Cidr { base, length };
        (base & !cidr.mask() == 0).then_some(cidr)
    }

    fn mask(self) -> u32 {
        u32::MAX
            .checked_shl(32 - u32::from(self.length))
            .unwrap_or(0)
    }

    pub(crate) fn contains(self, other: Cidr) -> bool {
        self.length <= other.length && other.base & self.mask() == self.base
    }

    pub(crate) fn overlaps(self, other: Cidr) -> bool {
        self.contains(other) || other.contains(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_contain_and_overlap() {
        let cidr = |text| Cidr::parse(text).unwrap();
        assert!(cidr("10.0.0.0/16").contains(cidr("10.0.3.0/24")));
        assert!(!cidr("10.0.0.0/16").contains(cidr("10.1.0.0/24")));
        assert!(cidr("10.0.3.0/24").overlaps(cidr("10.0.0.0/16")));
        assert!(cidr("0.0.0.0/0").contains(cidr("10.0.0.1/32")));
        for bad in [
            "10.0.0.1/16",
            "10.0.0.0/33",
            "10.0.0.0",
            "10.0.0/8",
            "ten/8",
        ] {
            assert_eq!(Cidr::parse(bad), None, "{bad}");
        }
    }
}
