//! The entities: PII types, named as Microsoft Presidio names them.

use std::fmt;

/// What makes a text an entity of its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// A number or token of common shape: counts only with a context word near by.
    Context,
    /// A shape that hardly anything else has.
    Shape,
    /// A check digit or checksum.
    Checksum,
}

/// What a match is of: a built-in [`Entity`], or one that a profile defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(pub(crate) u8);

macro_rules! entities {
    ($($variant:ident $name:literal $evidence:ident $about:literal;)*) => {
        /// A built-in PII type.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Entity {
            $(#[doc = $about] $variant,)*
        }

        impl Entity {
            /// Every built-in entity.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Its name, as Microsoft Presidio has it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// What makes a text one.
            pub const fn evidence(self) -> Evidence {
                match self { $(Self::$variant => Evidence::$evidence),* }
            }

            /// What it is and by which rule it is told.
            pub const fn about(self) -> &'static str {
                match self { $(Self::$variant => $about),* }
            }
        }
    };
}

entities! {
    CreditCard "CREDIT_CARD" Checksum "Payment card number: 12 to 19 digits, issuer ranges and Luhn (ISO/IEC 7812)";
    IbanCode "IBAN_CODE" Checksum "Bank account: country's length and structure, mod 97 (ISO 13616)";
    UsSsn "US_SSN" Shape "US social security number: grouped 3-2-4, no area 000, 666 or 9xx, no zero group or serial (SSA)";
    UsItin "US_ITIN" Shape "US individual taxpayer number: 9xx with the groups that the IRS issues";
    EmailAddress "EMAIL_ADDRESS" Shape "E-mail address (RFC 5321 lengths, RFC 1035 labels)";
    PhoneNumber "PHONE_NUMBER" Shape "Telephone number: international (ITU-T E.164), or written as India, the US or the UK write it";
    IpAddress "IP_ADDRESS" Shape "IPv4 or IPv6 address, with its prefix length (RFC 4291)";
    MacAddress "MAC_ADDRESS" Shape "EUI-48 or EUI-64 (IEEE 802)";
    Crypto "CRYPTO" Checksum "Bitcoin or Ethereum address: base58check, bech32 (BIP 173, BIP 350), EIP-55";
    UkNino "UK_NINO" Shape "UK national insurance number: prefixes and suffixes that HMRC issues";
    UkNhs "UK_NHS" Checksum "UK NHS number: 10 digits, mod 11";
    InAadhaar "IN_AADHAAR" Checksum "Indian Aadhaar number (12 digits) or virtual id (16 digits), Verhoeff (UIDAI)";
    InAadhaarMasked "IN_AADHAAR_MASKED" Shape "Aadhaar number of which the last four digits show: XXXX XXXX 1234";
    InPan "IN_PAN" Shape "Indian tax account number: five letters of which the fourth tells the holder's class, four digits, a letter";
    InGstin "IN_GSTIN" Shape "Indian goods and services tax number: state, PAN, entity, Z, mod 36";
    InIfsc "IN_IFSC" Shape "Indian bank branch code: four letters, 0, six characters (RBI)";
    InUpiId "IN_UPI_ID" Shape "UPI address: a name at a handle that NPCI lists";
    InVoter "IN_VOTER" Shape "Indian voter card (EPIC): three letters, seven digits";
    InPassport "IN_PASSPORT" Context "Indian passport: a letter, seven digits";
    InVehicleRegistration "IN_VEHICLE_REGISTRATION" Shape "Indian vehicle registration: state, district, series, number; or BH series";
    InDrivingLicence "IN_DRIVING_LICENCE" Shape "Indian driving licence: state, office, year, seven digits";
    InAbha "IN_ABHA" Shape "Indian health account number: 14 digits, grouped 2-4-4-4";
    InAbhaAddress "IN_ABHA_ADDRESS" Shape "Indian health account address: a name at abdm or sbx";
    InBankAccount "IN_BANK_ACCOUNT" Context "Indian bank account number: 9 to 18 digits";
    Secret "SECRET" Shape "Key or token of a known vendor, JSON Web Token, PEM private key";
    AbaRoutingNumber "ABA_ROUTING_NUMBER" Checksum "US bank routing number: 9 digits, weights 3, 7, 1 mod 10";
    UsNpi "US_NPI" Checksum "US health provider: 10 digits, Luhn over 80840 and the number";
    UsMbi "US_MBI" Shape "US Medicare beneficiary: 11 characters in the order that CMS fixed";
    CaSin "CA_SIN" Checksum "Canadian social insurance number: 9 digits, Luhn";
    AuTfn "AU_TFN" Checksum "Australian tax file number: 8 or 9 digits, mod 11";
    AuAbn "AU_ABN" Checksum "Australian business number: 11 digits, mod 89";
    AuMedicare "AU_MEDICARE" Checksum "Australian Medicare card: 10 or 11 digits, mod 10";
    SgNricFin "SG_NRIC_FIN" Checksum "Singapore NRIC or FIN: letter, seven digits, check letter";
    EsNif "ES_NIF" Checksum "Spanish tax number: up to eight digits, check letter";
    EsNie "ES_NIE" Checksum "Spanish foreigner's number: X, Y or Z, seven digits, check letter";
    ItFiscalCode "IT_FISCAL_CODE" Checksum "Italian fiscal code: 16 characters, check letter";
    PlPesel "PL_PESEL" Checksum "Polish PESEL: 11 digits, date of birth, weighted mod 10";
    DeTaxId "DE_TAX_ID" Checksum "German tax id: 11 digits, ISO 7064 mod 11,10";
    DeIdCard "DE_ID_CARD" Checksum "German identity card: 9 characters, weights 7, 3, 1";
    KrRrn "KR_RRN" Shape "Korean resident number: date of birth, gender digit, six digits";
    TrNationalId "TR_NATIONAL_ID" Checksum "Turkish identity number: 11 digits, two check digits";
    SePersonnummer "SE_PERSONNUMMER" Checksum "Swedish personal number: date of birth, Luhn";
    FiPersonalIdentityCode "FI_PERSONAL_IDENTITY_CODE" Checksum "Finnish personal identity code: date of birth, sign, check character mod 31";
    ZaIdNumber "ZA_ID_NUMBER" Checksum "South African identity number: 13 digits, date of birth, Luhn";
    ThTnin "TH_TNIN" Checksum "Thai identity number: 13 digits, mod 11";
}

// === impl Entity ===

impl Entity {
    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();

    /// The entity with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|entity| entity.name() == name)
    }

    pub(crate) const fn bit(self) -> u64 {
        1 << self as u8
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

// === impl Kind ===

impl Kind {
    /// The built-in entity that it is, if it is one.
    pub fn entity(self) -> Option<Entity> {
        Entity::ALL.get(self.index()).copied()
    }

    /// Its place in a [`crate::Tally`] and among [`crate::Profile::kinds`]: the built-in entities
    /// first, then the profile's own, in their order.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl From<Entity> for Kind {
    fn from(entity: Entity) -> Self {
        Self(entity as u8)
    }
}
