//! The data that each user starts with: 25 contacts, 12 deals, 3 files; the same on every start.
//! All of it is made up: `.example` addresses and 555-01xx numbers. It knows nothing of requests.

use std::fmt::Write as _;

use axum::body::Bytes;
use serde_json::{Map, Value, json};

use super::Account;
use super::contact::Contacts;
use super::deals::Deal;
use super::files::File;
use super::listing::Id;
use crate::person::Person;

/// First name, last name, company, title.
type Row = (&'static str, &'static str, &'static str, &'static str);

const ALICE: [Row; 25] = [
    ("Amara", "Okafor", "Brightwater Foods", "Head of Purchasing"),
    ("Mateo", "Vargas", "Brightwater Foods", "Logistics Planner"),
    ("Ingrid", "Solheim", "Nordlys Energy", "Chief Engineer"),
    ("Haruto", "Tanabe", "Kumo Robotics", "Founder"),
    ("Zoë", "Lambert", "Atelier Lambert", "Owner"),
    ("Priya", "Raman", "Saffron Analytics", "Data Lead"),
    ("Tomasz", "Wilk", "Wilk & Sons", "Managing Director"),
    ("Leila", "Haddad", "Cedar Clinics", "Operations Manager"),
    ("Owen", "Pritchard", "Pritchard Marine", "Skipper"),
    ("Chiara", "Fontana", "Fontana Ceramics", "Designer"),
    ("Kwame", "Mensah", "Goldcoast Freight", "Fleet Manager"),
    ("Elena", "Petrova", "Saffron Analytics", "Account Executive"),
    ("Noah", "Becker", "Alpenglow Travel", "Product Manager"),
    ("Sofía", "Castillo", "Verde Gardens", "Landscape Architect"),
    ("Ravi", "Nair", "Monsoon Textiles", "Export Manager"),
    ("Hannah", "O'Connell", "Liffey Books", "Buyer"),
    ("Youssef", "Amrani", "Atlas Solar", "Project Lead"),
    ("Mei", "Chen", "Jade Harbour Trading", "Director"),
    ("Lucas", "Andrade", "Rio Print", "Production Manager"),
    ("Freya", "Nyström", "Nordlys Energy", "Procurement"),
    ("Daniel", "Kiplagat", "Rift Valley Coffee", "Roaster"),
    ("Aoife", "Byrne", "Liffey Books", "Events"),
    ("Viktor", "Horvath", "Danube Tools", "Sales Director"),
    ("Nadia", "Rahimi", "Cedar Clinics", "Finance Lead"),
    ("Jonas", "Eriksen", "Pritchard Marine", "Workshop Lead"),
];

const BOB: [Row; 25] = [
    ("Clara", "Weiss", "Weiss Optics", "Chief Executive"),
    ("Samuel", "Adeyemi", "Lagos Fintech", "Partnerships"),
    ("Søren", "Kjær", "Fjord Timber", "Mill Manager"),
    ("Isabela", "Moraes", "Rio Print", "Creative Lead"),
    ("Arjun", "Mehta", "Cobalt Cloud", "Platform Lead"),
    ("Beatrice", "Lund", "Lund Interiors", "Owner"),
    ("Khalid", "Mansour", "Oasis Hotels", "General Manager"),
    ("Emily", "Thornton", "Thornton Law", "Partner"),
    ("Yuki", "Mori", "Mori Stationery", "Brand Manager"),
    ("Pavel", "Novak", "Bohemia Glass", "Export Lead"),
    ("Grace", "Wanjiru", "Savanna Foods", "Quality Manager"),
    ("Florian", "Huber", "Huber Brewing", "Brewmaster"),
    ("Camille", "Dubois", "Dubois Patisserie", "Founder"),
    ("Min-jun", "Park", "Hanbit Games", "Producer"),
    ("Olivia", "Grant", "Highland Wool", "Sales Manager"),
    ("Diego", "Salazar", "Andes Outdoor", "Buyer"),
    ("Tuulikki", "Laine", "Lumi Software", "Support Lead"),
    ("Ahmed", "Sharif", "Oasis Hotels", "Purchasing"),
    ("Marta", "Kowalska", "Baltic Shipping", "Dispatcher"),
    ("Theo", "Papadakis", "Aegean Yachts", "Charter Manager"),
    ("Ruth", "Feldman", "Thornton Law", "Office Manager"),
    ("Anders", "Holm", "Fjord Timber", "Buyer"),
    ("Linh", "Tran", "Mekong Electronics", "Sourcing"),
    ("George", "Whitfield", "Whitfield Tea", "Chairman"),
    ("Sanne", "de Vries", "Polder Dairy", "Operations"),
];

const STAGES: [&str; 4] = ["qualified", "proposal", "negotiation", "won"];
const SUBJECTS: [&str; 3] = ["renewal", "pilot", "expansion"];

pub(super) fn account(person: Person) -> Account {
    let (rows, base) = match person {
        Person::Alice => (&ALICE, 1_000),
        Person::Bob => (&BOB, 2_000),
    };
    let mut contacts = Contacts::from_id(base + 1);
    for (index, row) in (0_u64..).zip(rows) {
        let (fields, created_at) = contact(index, row);
        // The rows satisfy the rules of a contact; a test counts them.
        let _ = contacts.create(fields, created_at);
    }
    let deals = (0_u64..12).zip(rows).map(|(index, row)| deal(base, index, row)).collect();
    let files = files(base, &contacts);
    Account { contacts, deals, files }
}

fn contact(index: u64, &(first, last, company, title): &Row) -> (Map<String, Value>, String) {
    let host: String = letters(company);
    let mut fields = Map::new();
    let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    set("email", json!(format!("{}.{}@{host}.example", letters(first), letters(last))));
    set("first_name", json!(first));
    set("last_name", json!(last));
    set("company", json!(company));
    set("title", json!(title));
    set("phone", json!(format!("+1-555-01{:02}", index + 10)));
    let created_at = format!("2026-0{}-{:02}T09:{:02}:00Z", 1 + index / 10, 1 + index, 10 + index);
    (fields, created_at)
}

/// A name in the small letters that an address is made of.
fn letters(name: &str) -> String {
    let plain = |c: char| match c {
        'ë' => "e".to_owned(),
        'í' => "i".to_owned(),
        'ö' | 'ø' => "o".to_owned(),
        'æ' => "ae".to_owned(),
        c if c.is_ascii_alphabetic() => c.to_ascii_lowercase().to_string(),
        _ => String::new(),
    };
    name.chars().map(plain).collect()
}

fn deal(base: u64, index: u64, &(_, _, company, _): &Row) -> Deal {
    let pick = |from: &[&'static str]| from.iter().copied().cycle().nth(usize::try_from(index).unwrap_or(0));
    let thousands = u32::try_from((index * 7) % 11 + 3).unwrap_or(3);
    Deal {
        id: Id(base * 10 + index + 1),
        name: format!("{company}: {}", pick(&SUBJECTS).unwrap_or_default()),
        amount: f64::from(thousands) * 1_000.0 + 250.5,
        currency: "EUR",
        stage: pick(&STAGES).unwrap_or_default(),
        contact_id: Id(base + index + 1),
        ledger_number: 9_007_199_254_740_993 + 2 * index,
        closes_on: format!("2026-{:02}-15", 1 + index),
    }
}

fn files(base: u64, contacts: &Contacts) -> Vec<File> {
    let mut table = "id,first_name,last_name,email,company\n".to_owned();
    for contact in contacts.iter() {
        let first = contact.first_name.as_deref().unwrap_or_default();
        let last = contact.last_name.as_deref().unwrap_or_default();
        let company = contact.company.as_deref().unwrap_or_default();
        // Writing to a `String` cannot fail.
        let _ = writeln!(table, "{},{first},{last},{},{company}", contact.id, contact.email);
    }
    let welcome = "Welcome to Harbour CRM.\nThis file is here to be downloaded.\n";
    // Every byte value, in an order that shows a shifted or repeated range.
    let pattern: Vec<u8> = (0..65_536_u32).map(|i| (i ^ (i >> 8)).to_le_bytes()[0]).collect();
    let file =
        |id, name: &str, media_type, bytes| File { id: Id(id), name: name.to_owned(), media_type, bytes };
    vec![
        file(base + 501, "welcome.txt", "text/plain; charset=utf-8", Bytes::from_static(welcome.as_bytes())),
        file(base + 502, "contacts.csv", "text/csv; charset=utf-8", Bytes::from(table)),
        file(base + 503, "pattern.bin", "application/octet-stream", Bytes::from(pattern)),
    ]
}
