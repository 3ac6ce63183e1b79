//! The words that speak for an entity.

use crate::entity::Entity;

/// Words in lower case, and how they begin.
#[derive(Clone, Copy, Debug)]
pub(in crate::detect) struct Words {
    pub(super) words: &'static [&'static str],
    pub(super) keys: Keys,
}

/// Keys of words, a bit each. Fewer than all bits tell only the last ones of a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keys<const N: usize = 2>([u64; N]);

// === impl Words ===

impl Words {
    /// Each begins with a letter and has another byte.
    pub(in crate::detect) const fn of(words: &'static [&'static str]) -> Self {
        let mut keys = Keys::NONE;
        keys.set_all(words);
        Self { words, keys }
    }

    /// Those that speak for an entity.
    pub(super) fn for_entity(entity: Entity) -> &'static Self {
        const NONE: &Words = &Words::of(&[]);
        ALL.get(entity as usize).unwrap_or(NONE)
    }
}

// === impl Keys ===

impl Keys {
    pub(super) const NONE: Self = Self([0; 2]);
    pub(super) const ALL: Self = Self([u64::MAX; 2]);
    /// Those of the words of all entities.
    pub(super) const KNOWN: &'static Keys<KEY_WORDS> = &{
        let mut known = Keys([0; KEY_WORDS]);
        let mut rest = Entity::ALL;
        while let [entity, others @ ..] = rest {
            known.set_all(words(*entity));
            rest = others;
        }
        known
    };

    /// Those of both.
    pub(super) fn with(self, other: Self) -> Self {
        let (Self([a, b]), Self([c, d])) = (self, other);
        Self([a | c, b | d])
    }

    /// Whether one is in both.
    pub(super) fn meets(&self, other: &Self) -> bool {
        let (Self([a, b]), Self([c, d])) = (self, other);
        (a & c) | (b & d) != 0
    }
}

impl<const N: usize> Keys<N> {
    const fn set_all(&mut self, words: &[&str]) {
        let mut rest = words;
        while let [word, others @ ..] = rest {
            let [one, other] = keys_of(word.as_bytes());
            self.set(one);
            self.set(other);
            rest = others;
        }
    }

    pub(super) const fn set(&mut self, key: u32) {
        let (_, rest) = self.0.split_at_mut((key >> 6) as usize & N.wrapping_sub(1));
        if let [slot, ..] = rest {
            *slot |= 1 << (key & 63);
        }
    }

    pub(super) fn has(&self, key: u32) -> bool {
        let keys = self.0.get((key >> 6) as usize & N.wrapping_sub(1));
        keys.copied().unwrap_or(0) >> (key & 63) & 1 != 0
    }
}

/// A number of [`KEY_BITS`] that a text shares with few others, by its first three
/// bytes. All that is no letter is the same as a third one.
pub(super) const fn key(text: &[u8]) -> u32 {
    let (first, second, third) = match text {
        [first, second, third, ..] if third.is_ascii_alphabetic() => (*first, *second, *third),
        [first, second, ..] => (*first, *second, 0),
        [first] => (*first, 0, 0),
        [] => (0, 0, 0),
    };
    // The last five bits tell letters apart in either case.
    let letters = ((first & 31) as u32) << 10 | ((second & 31) as u32) << 5 | (third & 31) as u32;
    letters.wrapping_mul(SPREAD) >> (u32::BITS - KEY_BITS)
}

/// The keys that a text may have that begins with this word: of two letters, an `s` may follow.
const fn keys_of(word: &[u8]) -> [u32; 2] {
    match word {
        [b'a'..=b'z' | 0xC0.., _, _, ..] => [key(word); 2],
        [first @ b'a'..=b'z', second] => [key(word), key(&[*first, *second, b's'])],
        _ => unreachable!(),
    }
}

/// The words that speak for each entity.
static ALL: [Words; Entity::COUNT] = {
    let mut all = [Words::of(&[]); Entity::COUNT];
    let (mut slots, mut rest): (&mut [Words], _) = (&mut all, Entity::ALL);
    while let ([slot, others @ ..], [entity, entities @ ..]) = (slots, rest) {
        *slot = Words::of(words(*entity));
        (slots, rest) = (others, entities);
    }
    all
};

/// The words that speak for an entity.
const fn words(entity: Entity) -> &'static [&'static str] {
    match entity {
        Entity::CreditCard => &[
            "card",
            "credit",
            "debit card",
            "visa",
            "mastercard",
            "maestro",
            "amex",
            "rupay",
            "cc",
        ],
        Entity::UsSsn => &["ssn", "social security", "ssns", "ss#"],
        Entity::UsItin => &["itin", "taxpayer", "tax id", "tin", "irs"],
        Entity::PhoneNumber => &[
            "phone",
            "telephone",
            "tel",
            "mobile",
            "mo",
            "cell",
            "cellphone",
            "whatsapp",
            "fax",
            "sms",
            "call me",
            "call us",
            "call him",
            "call her",
            "call at",
            "dial",
            "ring me",
            "text me",
            "text us",
            "contact no",
            "contact number",
            "helpline",
            "callback",
        ],
        Entity::UkNhs => &["nhs", "national health", "patient"],
        Entity::UkNino => &[
            "nino",
            "national insurance",
            "insurance number",
            "ni number",
        ],
        Entity::InAadhaar => &[
            "aadhaar",
            "aadhar",
            "adhaar",
            "adhar",
            "aadhaars",
            "uidai",
            "uid",
            "vid",
            "virtual id",
            "kyc",
            "ekyc",
            "identity number",
        ],
        Entity::InPan => &["pan", "permanent account", "income tax", "tax"],
        Entity::InIfsc => &["ifsc", "bank", "branch", "neft", "rtgs", "imps", "account"],
        Entity::InVoter => &[
            "voter",
            "voters",
            "vote",
            "epic",
            "election",
            "electoral",
            "elector",
        ],
        Entity::InPassport => &["passport"],
        Entity::InVehicleRegistration => &[
            "vehicle",
            "registration",
            "car",
            "bike",
            "rto",
            "plate",
            "number plate",
            "scooter",
            "truck",
        ],
        Entity::InDrivingLicence => &["licence", "license", "driving", "dl"],
        Entity::InAbha => &["abha", "health id", "health account", "ayushman"],
        Entity::InBankAccount => &[
            "account no",
            "account number",
            "account num",
            "bank account",
            "a/c",
            "acct",
            "acc no",
            "savings account",
            "current account",
            "beneficiary account",
        ],
        Entity::AbaRoutingNumber => &["aba", "routing", "abarouting", "bank", "wire", "transit"],
        Entity::UsNpi => &["npi", "national provider", "provider"],
        Entity::UsMbi => &["mbi", "medicare", "beneficiary"],
        Entity::CaSin => &["sin", "social insurance", "sins"],
        Entity::AuTfn => &["tfn", "tax file", "tax"],
        Entity::AuAbn => &["abn", "business number", "australian business"],
        Entity::AuMedicare => &["medicare"],
        Entity::SgNricFin => &["nric", "fin", "singapore"],
        Entity::EsNif => &["nif", "dni", "documento nacional", "identificaci"],
        Entity::EsNie => &["nie", "extranjero", "identificaci"],
        Entity::ItFiscalCode => &["codice fiscale", "fiscal code", "fiscale"],
        Entity::PlPesel => &["pesel"],
        Entity::DeTaxId => &[
            "steuer",
            "steueridentifikationsnummer",
            "idnr",
            "tin",
            "tax id",
            "tax identification",
            "steuerid",
            "identifikationsnummer",
        ],
        Entity::DeIdCard => &[
            "ausweis",
            "personalausweis",
            "ausweisnummer",
            "identity card",
            "id card",
            "perso",
        ],
        Entity::KrRrn => &["rrn", "resident registration", "korean", "jumin"],
        Entity::TrNationalId => &[
            "tc kimlik",
            "kimlik",
            "tckn",
            "tc no",
            "turkish",
            "kişi",
            "vatandaş",
        ],
        Entity::SePersonnummer => &[
            "personnummer",
            "personnr",
            "pnr",
            "swedish",
            "samordningsnummer",
            "personal number",
        ],
        Entity::FiPersonalIdentityCode => &["hetu", "henkil", "identity code", "finnish"],
        Entity::ZaIdNumber => &[
            "rsa",
            "south african",
            "id number",
            "identity number",
            "permanent resident",
            "refugee",
            "id no",
            "sa id",
        ],
        Entity::ThTnin => &["tnin", "thai", "national id", "เลขประจำตัว", "บัตรประชาชน"],
        Entity::IpAddress => &[
            "ip", "ipv4", "ipv6", "address", "host", "server", "subnet", "loopback", "connect",
            "gateway",
        ],
        Entity::MacAddress => &["mac", "hardware address", "ethernet", "wifi", "bluetooth"],
        Entity::InUpiId => &["upi", "vpa", "gpay", "phonepe", "paytm", "pay"],
        _ => &[],
    }
}

/// Bits of a key, and words of 64 bits for a bit for each key.
const KEY_BITS: u32 = 11;
const KEY_WORDS: usize = 1 << (KEY_BITS - 6);
/// With this the keys of the words above and of common English ones differ most.
const SPREAD: u32 = 0xA604_8457;
