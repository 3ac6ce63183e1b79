//! Examples and near misses of the checks. The examples come from the bodies that issue the
//! numbers, wherever those publish some; in a near miss one digit is wrong, or one rule broken.

use super::sum::{iso7064_mod11_10, luhn, verhoeff};
use super::*;

/// A check, its name, what it takes, what it refuses; a space between the texts.
pub(super) type Case = (&'static str, fn(&[u8]) -> bool, &'static str, &'static str);

pub(super) const CASES: &[Case] = &[
    (
        "luhn",
        luhn,
        "79927398713 0 18",
        "79927398710 1 7992739871a",
    ),
    (
        "verhoeff",
        verhoeff,
        "2363 1428570 123451",
        "2364 2633 236x",
    ),
    ("iso7064_mod11_10", iso7064_mod11_10, "07945", "07940 0794A"),
    (
        "us_ssn",
        us_ssn,
        "123456789 899010001",
        "000456789 666456789 900456789 123006789 123450000 12345678",
    ),
    (
        "us_itin",
        us_itin,
        "911701234 900500001 999999999",
        "911661234 911891234 911931234 811701234 911491234",
    ),
    (
        "us_npi",
        us_npi,
        "1234567893 1245319599",
        "1234567890 3234567893 234567893",
    ),
    (
        "us_mbi",
        us_mbi,
        "1EG4TE5MK73 1EG4TE5MK72",
        "0EG4TE5MK73 1SG4TE5MK73 1EG4TE5MK7A 1EG4TE5MK7 1EG4TE5M773",
    ),
    (
        "aba_routing",
        aba_routing,
        "021000021 011000015 322271627",
        "021000022 000000000 500000005 02100002",
    ),
    (
        "ca_sin",
        ca_sin,
        "130692544 193456787",
        "130692545 046454286 819345678 13069254",
    ),
    (
        "uk_nino",
        uk_nino,
        "AA123456A JG103759D",
        "QQ123456C AO123456A DA123456A AV123456A BG123456A ZZ123456A TN123456A AA123456E \
         AA12345A AA1234567",
    ),
    (
        "uk_nhs",
        uk_nhs,
        "9434765919 9434765870 4010232137",
        "9434765918 0000000000 943476591",
    ),
    (
        "es_nif",
        es_nif,
        "12345678Z 1R 00000001R",
        "12345678A Z 123456789Z 1234X678Z",
    ),
    (
        "es_nie",
        es_nie,
        "X1234567L Y1234567X Z1234567R",
        "X1234567X W1234567L X123456L X123456789L",
    ),
    (
        "it_fiscal_code",
        it_fiscal_code,
        "RSSMRA85T10A562S MRTMTT25D09F205Z",
        "RSSMRA85T10A562T RSSMRA85F10A562S RSSMRA85T32A562S RSSMRA85T00A562S RSSMRA8ATA10A562 \
         RSSMRA85T10A562",
    ),
    (
        "pl_pesel",
        pl_pesel,
        "44051401359 02070803628",
        "44051401358 44131401359 44053201359 4405140135",
    ),
    (
        "de_tax_id",
        de_tax_id,
        "86095742719 36574261809 47036892816",
        "86095742718 06095742719 11111111111 12345678903 8609574271",
    ),
    (
        "de_tax_id_check_only",
        de_tax_id_check_only,
        "86095742719 12345678903",
        "12345678904 01234567891",
    ),
    (
        "de_id_card",
        de_id_card,
        "T22000129 T220001293 L01X00T47 L01X00T471 C01X0006H",
        "L01X00T472 T22000120A L01X00T4 A01X00T47 122000129 LCFGHJKLM LO1X00T47 L01X00T4711",
    ),
    (
        "tr_national_id",
        tr_national_id,
        "10000000146 17291716060",
        "10000000147 10000000156 00000000146 1000000014",
    ),
    (
        "se_personnummer",
        se_personnummer,
        "8112289874 6408233234 7010632391 198112289874",
        "8112289875 8113289874 178112289874 218112289874 811228987",
    ),
    (
        "fi_identity",
        fi_identity,
        "131052-308T 131052A308T 131052Y308T 131052+308T",
        "131052-308U 131052G308T 321352-308T 131052-001U 131052-308",
    ),
    (
        "au_tfn",
        au_tfn,
        "123456782 865414088 81854402 37118655",
        "123456783 81854403 000000000 1234567",
    ),
    (
        "au_abn",
        au_abn,
        "51824753556 53004085616",
        "51824753557 01824753556 5182475355",
    ),
    (
        "au_medicare",
        au_medicare,
        "2123456701 21234567011",
        "2123456711 1123456701 2123456700 21234567010 212345670 212345670111",
    ),
    (
        "sg_nric",
        sg_nric,
        "S1234567D T1234567J F1234567N G1234567X M1234567K",
        "S1234567E A1234567D S123456D SA234567D",
    ),
    (
        "kr_rrn",
        kr_rrn,
        "9710131019248 9710131019240 0002293019248",
        "9713131019248 9710139019248 0002291019248 971013101924",
    ),
    (
        "kr_rrn_checked",
        kr_rrn_checked,
        "9710131019248",
        "9710131019240 9713131019248",
    ),
    (
        "za_id",
        za_id,
        "8001015009087 7503305044089",
        "8001015009088 8013015009087 8001015009387 800101500908",
    ),
    (
        "th_tnin",
        th_tnin,
        "3100600445635",
        "3100600445636 0100600445635 9100600445635 310060044563",
    ),
    (
        "aadhaar",
        aadhaar,
        "999941057058 999971658847 999933119405",
        "999941057059 199941057058 99994105705 222222222222",
    ),
    (
        "vid",
        vid,
        "9123456789012346",
        "9123456789012342 1123456789012346 999941057058",
    ),
    (
        "pan",
        pan,
        "AAPFU0939F ABCPE1234F",
        "ABCDE1234F ABCPE0000F ABCP12345F ABCPE1234 ABCPE12345",
    ),
    (
        "ifsc",
        ifsc,
        "SBIN0000001 HDFC0CAGSBK",
        "SBIN1000001 SB1N0000001 SBIN000001",
    ),
    (
        "voter",
        voter,
        "ABC1234567",
        "ABC0000000 AB12345678 ABC123456",
    ),
    (
        "in_passport",
        in_passport,
        "A1234567 Z2345670",
        "A0000000 11234567 A123456 AB123456",
    ),
    (
        "in_vehicle",
        in_vehicle,
        "MH12AB1234 KA01A1 DL1CAB1234 TN221234 22BH1234AA 23BH0001A TG09AB1234",
        "XX12AB1234 MH00AB1234 MH12AB0000 MH12AO1234 MH12ABCD1234 MH123AB1234 MH12AB12345 \
         MH12 MH12AB TN1234 20BH1234AA 22BH1234 22BH1234AI 22BX1234AA MH",
    ),
    (
        "in_driving_licence",
        in_driving_licence,
        "MH1220110012345 DL0420491234567",
        "MH1219490012345 MH1220500012345 XX1220110012345 MH0020110012345 MH1220110000000 \
         MH122011001234",
    ),
    (
        "upi_handle",
        upi_handle,
        "okaxis ybl paytm upi abcdicici yestp",
        "OKAXIS gmail okax okaxiss",
    ),
    (
        "base58check",
        base58check,
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa 3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy \
         mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn 2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc \
         1111111111111111111114oLvT2",
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb 11A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa \
         A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa 1A1zP1eP5QGefi2DMPTfTL5SLmv7Div0Na \
         zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
    ),
    (
        "bech32_address",
        bech32_address,
        "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4 \
         tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7 \
         bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y \
         BC1SW50QGDZ25J bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs \
         tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c \
         bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
        "tc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq5zuyut \
         bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd \
         bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh \
         bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4 \
         BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R bc1pw5dgrnzv \
         BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P \
         tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq bc1gmk9yu bc1",
    ),
    (
        "eip55",
        eip55,
        "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed fB6916095ca1df60bB79Ce92cE3Ea74c37c5d359 \
         dbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB D1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb \
         52908400098527886E0F7030069857D2E4169EE7 de709f2102306220921060314715629080e2fb77",
        "5aAeb6053F3E94C9b9A09f33669435E7Ef1Beaed 5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe \
         gaAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    ),
    (
        "e164",
        e164,
        "14155552671 919876543210 442079460958 4915123456789 33123456789 81312345678 \
         6581234567 35312345678 2348012345678",
        "11155552671 91987654321 9198765432101 449079460958 21012345678 0123456789 1234567 \
         658123456 1415555267a",
    ),
    (
        "nanp",
        nanp,
        "4155552671 2025550123",
        "1155552671 4115552671 4951552671 4155112671 4151552671 415555267",
    ),
    (
        "in_mobile",
        in_mobile,
        "9876543210 6000000001",
        "5876543210 987654321 98765432a0",
    ),
    (
        "gb_national",
        gb_national,
        "02079460958 07700900123 0169772345 08001111111 0800111111",
        "05079460958 0770090012 2079460958 00079460958 0207946095a",
    ),
];
