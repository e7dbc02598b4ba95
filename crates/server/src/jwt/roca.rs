//! The fingerprint of RSA keys that a flawed library made (ROCA, CVE-2017-15361): they can be
//! factored, whatever their length.

/// Primes that reveal the structure of such a modulus; a sound one passes as flawed with
/// probability below 2^-27 (Nemec et al., CCS 2017).
const PRIMES: [u32; 17] = [
    11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157,
];

/// The generator in which the flawed library writes its primes.
const GENERATOR: u32 = 65_537;

/// Whether the big-endian `modulus` is a power of the generator modulo each of the primes.
pub(super) fn has_fingerprint(modulus: &[u8]) -> bool {
    PRIMES.iter().all(|&prime| {
        let rest = modulus
            .iter()
            .fold(0, |rest, &byte| (rest * 256 + u32::from(byte)) % prime);
        powers(prime).any(|power| power == rest)
    })
}

/// All powers of the generator modulo `prime`, each once.
fn powers(prime: u32) -> impl Iterator<Item = u32> {
    let next = move |power: &u32| match *power * (GENERATOR % prime) % prime {
        1 => None,
        power => Some(power),
    };
    std::iter::successors(Some(1), next)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Big-endian bytes of the generator to the power of `exponent`.
    fn generator_to_the(exponent: usize) -> Vec<u8> {
        let mut little = vec![1_u8];
        for _ in 0..exponent {
            let mut carry = 0_u32;
            for byte in &mut little {
                carry += u32::from(*byte) * GENERATOR;
                *byte = u8::try_from(carry & 0xff).unwrap();
                carry >>= 8;
            }
            little.extend(carry.to_le_bytes());
            while little.last() == Some(&0) {
                little.pop();
            }
        }
        little.reverse();
        little
    }

    #[test]
    fn powers_of_the_generator_have_the_fingerprint() {
        for exponent in [1, 2, 100, 128] {
            assert!(has_fingerprint(&generator_to_the(exponent)), "{exponent}");
        }
    }

    #[test]
    fn neighbours_of_such_powers_do_not_have_it() {
        for exponent in [100, 128] {
            let mut modulus = generator_to_the(exponent);
            *modulus.last_mut().unwrap() ^= 2;
            assert!(!has_fingerprint(&modulus), "{exponent}");
        }
    }
}
