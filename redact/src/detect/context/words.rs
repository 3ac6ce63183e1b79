//! The words that speak for an entity.

use crate::entity::Entity;

/// Words in lower case, and what they begin with.
#[derive(Clone, Copy, Debug)]
pub(in crate::detect) struct Words {
    pub(super) words: &'static [&'static str],
    /// By [`first`].
    pub(super) firsts: u64,
}

// === impl Words ===

impl Words {
    pub(in crate::detect) const fn of(words: &'static [&'static str]) -> Self {
        let (mut firsts, mut rest) = (0, words);
        while let [word, others @ ..] = rest {
            if let [byte, ..] = word.as_bytes() {
                firsts |= first(*byte);
            }
            rest = others;
        }
        Self { words, firsts }
    }

    /// Those that speak for an entity.
    pub(super) fn for_entity(entity: Entity) -> Self {
        let known = ALL.get(entity as usize).copied();
        known.unwrap_or(const { Self::of(&[]) })
    }
}

/// A bit that a byte shares with few others, to tell at once that no word begins with it.
pub(super) const fn first(byte: u8) -> u64 {
    1 << (byte & 63)
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
