#!/bin/sh
# Makes the certificates, keys and signed messages of this folder with the openssl command (3.0 or
# newer, with its legacy provider), for tests of what other software writes.  The files are kept in
# the tree, as not every openssl can still make the old kinds; run this only to add one:
#
#     cd tests/data/x509 && ./make.sh
#
# Every password is "open sesame".  Nothing here is a secret, or trusted by anything.
set -eu

days=36500
password='open sesame'
topic=com.apple.mgmt.External.6b1c1d4e-2f0a-4c53-9d7e-0a4f7e6b9c21
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

rsa() { openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$1" 2>/dev/null; }

# sign NAME SUBJECT ISSUER DAYS EXTENSIONS: NAME.pem for NAME.key, signed by ISSUER
sign() {
	printf '%b' "$5" >"$work/ext"
	openssl req -new -utf8 -key "$1.key" -subj "$2" -out "$work/csr"
	openssl x509 -req -in "$work/csr" -CA "$work/$3.pem" -CAkey "$work/$3.key" -days "$4" \
		-set_serial "0x$(openssl rand -hex 15)" -extfile "$work/ext" -out "$1.pem" 2>/dev/null
}

# ---- a chain: root, middle, leaf (looks like a push certificate), and a leaf with an EC key ----
rsa "$work/root.key"
openssl req -x509 -new -key "$work/root.key" -subj '/O=Pomona tests/CN=Root' -days $days \
	-addext basicConstraints=critical,CA:TRUE -out "$work/root.pem"
rsa "$work/middle.key"
sign "$work/middle" '/O=Pomona tests/CN=Middle' root $days 'basicConstraints=critical,CA:TRUE\n'
cp "$work/root.pem" "$work/middle.pem" .

rsa leaf.key
push="/UID=$topic/CN=APSP:6b1c1d4e/C=US"
sign leaf "$push" middle 36000 'extendedKeyUsage=clientAuth\n'
mv leaf.pem leaf-older.pem
sign leaf "$push" middle $days 'extendedKeyUsage=clientAuth\n'
openssl x509 -in leaf.pem -outform DER -out leaf.cer
{
	openssl x509 -in leaf.pem -noout -fingerprint -sha256 | sed 's/.*=//' | tr -d : | tr A-F a-f
	openssl x509 -in leaf.pem -noout -serial | sed 's/.*=//'
} >leaf.facts

openssl ecparam -name prime256v1 -genkey -out ec.key # "EC PARAMETERS", then "EC PRIVATE KEY"
sign ec '/O=Pomona tests/CN=Büro "Süd", 2. Stock' middle $days 'basicConstraints=CA:FALSE\n'
rsa other.key

# ---- the leaf's key in other forms ----
openssl rsa -in leaf.key -traditional -out leaf-old.key 2>/dev/null
openssl rsa -in leaf.key -traditional -aes256 -passout "pass:$password" -out leaf-old-aes.key 2>/dev/null
openssl rsa -in leaf.key -traditional -des3 -passout "pass:$password" -out leaf-old-3des.key 2>/dev/null
openssl pkcs8 -topk8 -in leaf.key -v2 aes-256-cbc -passout "pass:$password" -out leaf-aes.key
openssl pkcs8 -topk8 -in leaf.key -v1 PBE-SHA1-RC2-40 -provider legacy -provider default \
	-passout "pass:$password" -out leaf-rc2.key

# ---- PKCS#12 ----
p12() {
	file=$1
	shift
	openssl pkcs12 -export -in leaf.pem -inkey leaf.key -name 'push certificate' -out "$file" "$@"
}
cat middle.pem root.pem >"$work/chain.pem"
p12 rc2.p12 -legacy -passout "pass:$password" # as Keychain: RC2-40 for certificates, 3DES for the key
p12 3des.p12 -certpbe PBE-SHA1-3DES -keypbe PBE-SHA1-3DES -macalg sha1 -passout "pass:$password"
p12 aes.p12 -certfile "$work/chain.pem" -passout "pass:$password"
p12 utf8.p12 -passout 'pass:Öffne dich'
p12 empty.p12 -passout pass:
p12 plain.p12 -keypbe NONE -certpbe NONE -nomac -passout pass:
openssl pkcs12 -export -nokeys -in leaf.pem -passout "pass:$password" -out cert-only.p12
openssl pkcs12 -export -nocerts -inkey leaf.key -passout "pass:$password" -out key-only.p12

# ---- signed messages ----
cat >profile.mobileconfig <<'PROFILE'
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>PayloadIdentifier</key>
	<string>org.example.pomona.profile</string>
	<key>PayloadType</key>
	<string>Configuration</string>
	<key>PayloadUUID</key>
	<string>0E4F3B62-5A1D-4C7B-8D3A-6E2F9C1B7A55</string>
</dict>
</plist>
PROFILE
cms() { openssl cms -sign -binary -signer leaf.pem -inkey leaf.key -outform DER "$@"; }
cms -in profile.mobileconfig -nodetach -out signed.der
cms -in profile.mobileconfig -nodetach -stream -out signed.ber
cms -in profile.mobileconfig -out detached.der
cms -in /dev/null -nodetach -out empty.der
openssl smime -sign -binary -nodetach -in profile.mobileconfig -signer leaf.pem -inkey leaf.key \
	-outform DER -out signed.p7 # PKCS#7, as CMS was called before
openssl cms -encrypt -binary -in profile.mobileconfig -outform DER -out enveloped.der leaf.pem
chmod 644 *.pem *.key *.cer *.facts *.p12 *.der *.ber *.p7 *.mobileconfig
