"""Every bound in vxsec, in one frozen value, each with its reason.

Measured on the closure of nine popular tools (572 real npm tarballs, November 2026): the largest unpacks to 199 MB, holds
8,711 members and compresses 12 to 1. The bounds leave room above that and stop what could exhaust a machine.
"""

from __future__ import annotations

from vxsec.values import dataclass

__all__ = ["DEFAULT_LIMITS", "Limits"]

_KIB = 1024
_MIB = 1024 * _KIB
_GIB = 1024 * _MIB


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Limits:
    """Bounds in bytes, members, levels, seconds or items."""

    # -- archives ---------------------------------------------------------------------------------------------------
    archive_packed_bytes: int = 256 * _MIB
    """Held in memory once, because the bytes judged must be the bytes published."""
    archive_unpacked_bytes: int = _GIB
    archive_members: int = 100_000
    archive_ratio: int = 200
    """Unpacked to packed, enforced above ``archive_ratio_from`` bytes: tiny archives of text compress well."""
    archive_ratio_from: int = 10 * _MIB
    archive_header_bytes: int = _MIB
    """PAX records and GNU long names together, per archive."""
    archive_end_padding_bytes: int = 64 * _KIB
    """Zero bytes after the end mark: Python's tarfile pads to 10 KiB, others further."""
    archive_path_bytes: int = 2048
    """Half of PATH_MAX on Linux: the folder it is installed into comes before it, and npm drops what does not fit."""
    manifest_bytes: int = 4 * _MIB

    secret_file_bytes: int = 32 * _MIB
    """A file larger than that is not searched for credentials, and the package is then not known to hold none."""
    secret_total_bytes: int = 256 * _MIB
    """Files searched together: they are held while they are."""
    secret_findings: int = 1_000

    # -- documents --------------------------------------------------------------------------------------------------
    json_bytes: int = 64 * _MIB
    json_depth: int = 100
    json_number_digits: int = 64
    yaml_bytes: int = _MIB
    yaml_depth: int = 32
    lockfile_bytes: int = 64 * _MIB
    lockfile_packages: int = 200_000
    sbom_bytes: int = 64 * _MIB
    """Seventy times that of 1,000 packages; an attested one is bounded by ``bundle_bytes`` as well."""
    sbom_components: int = 200_000
    dependency_edges: int = 2_000_000
    """Ways from one package to the next in one lockfile; 20,000 real packages have some 45,000."""
    packument_bytes: int = 128 * _MIB
    npmrc_bytes: int = 256 * _KIB

    # -- signatures -------------------------------------------------------------------------------------------------
    bundle_bytes: int = 16 * _MIB
    bundle_parts: int = 4_096
    """Objects, arrays and their members; one with as many log entries, proofs and timestamps as are read has 3,000. What is
    signed is in base64 and adds none."""
    bundle_file_bytes: int = 32 * _MIB
    """Two bundles of the largest size; a thousand ordinary ones have 10 MB."""
    bundle_file_parts: int = 1_000_000
    """Of a document that lists bundles; a thousand real ones have 100,000. As many empty objects take 100 MB."""
    bundle_file_lines: int = 200_000
    """A pretty-printed bundle of the largest size has fewer; each line costs memory before it is known to be junk."""
    bundles_per_subject: int = 1_000
    """Lines considered per subject; more is refused, not silently cut."""
    subjects_per_statement: int = 10_000
    statement_parts: int = 2_000_000
    """Objects, arrays and their members; an attested bill of materials of the largest size has half as many."""
    provenance_materials: int = 100_000
    """Dependencies that one provenance resolves; GitHub's and npm's writers list one, a build of a system ten thousand."""
    envelope_bytes: int = 64 * _MIB
    """300,000 signatures with key ids have 55 MB."""
    envelope_signatures: int = 500_000
    """Held while one is looked for; junk is cheap to make, and cheap to pass over."""
    envelope_checks: int = 1_024
    """Signatures of an envelope that are checked, all keys together: 0.2 s with P-256 keys, 2 s with P-384."""
    envelope_detached_checks: int = 4
    """Likewise for each OpenPGP or SSH key: one check may start gpg."""
    trust_keys: int = 1_000
    trusted_roots: int = 16
    """Sigstore instances of one trust document; each is tried for every certificate."""
    file_checked_bytes: int = 16 * _GIB
    """Gone over to check the bare signatures of one file that are over its bytes and no digest of them (Ed25519): sixty-four
    times a file of the largest size that is held, half a minute."""
    keys_tried_per_bundle: int = 8
    """Keys tried besides those a bundle's hint names (none where there are more): a thousand lines of junk then cost one
    second with P-256 keys and ten with P-384."""
    sshsig_bytes: int = 32 * _KIB
    """An armored one with RSA of 8,192 bits has 3 KiB."""
    ssh_agent_bytes: int = 256 * _KIB
    """The largest message that OpenSSH's own agent and clients take."""
    ssh_agent_seconds: float = 10.0
    """For an agent to list its keys."""
    ssh_touch_seconds: float = 60.0
    """For a person to find the hardware key and touch it, or to confirm; the hardware itself gives up after half of it."""

    openpgp_signature_bytes: int = 32 * _KIB
    """A detached one has 120 bytes with Ed25519, 600 with RSA of 4,096 bits; notations make it longer."""
    openpgp_certificates_bytes: int = 4 * _MIB
    """Exported keys; one with many people's signatures has some 100 kB."""
    openpgp_certificates: int = 256
    openpgp_packets: int = 20_000
    """Of all exported keys together."""
    gpg_seconds: float = 60.0
    """A verification takes 10 ms; most of the rest is for large files on slow machines."""
    gpg_output_bytes: int = _MIB
    """A verification reports less than 2 kB."""

    certificates_per_bundle: int = 10
    """A leaf and its intermediates; real ones have one or two."""
    log_entries_per_bundle: int = 32
    timestamps_per_bundle: int = 32
    """As sigstore-python; each costs up to three signature checks."""
    proof_hashes: int = 64
    """The height of a tree of 2^64 leaves."""
    log_entry_signatures: int = 32
    checkpoint_bytes: int = 64 * _KIB
    checkpoint_signatures: int = 100
    """The log's own and its witnesses'; as Go's note package."""
    certificate_bytes: int = 64 * _KIB
    """Fulcio's have 2 kB."""
    scts_per_certificate: int = 32
    trusted_root_bytes: int = 4 * _MIB
    trusted_roots_per_file: int = 32
    trusted_root_instances: int = 1_000
    """Authorities, or logs, of one kind in one trusted root."""
    signing_services: int = 64
    """Of one kind in one signing config; Sigstore's own has two logs."""
    keyless_seconds: float = 120.0
    """To fetch the public-good instance's configuration, or to get certificate, timestamps and log entry of one signature."""
    keyless_browser_seconds: float = 300.0
    """For a person to log in."""
    witness_answer_bytes: int = 4 * _MIB
    """A log's or timestamp authority's answer; real ones have less than 10 kB, an old entry may come with its payload."""

    npm_keys_bytes: int = 256 * _KIB
    """A registry's keys document; npm's own has two keys and 700 bytes."""
    npm_keys: int = 100
    npm_signatures: int = 1_000
    """Elements of one ``dist.signatures``; npm's registry writes one or two. Those that name no known key cost no check, but
    each is read and named: 200,000 took a second and a half."""
    npm_signatures_tried: int = 32
    """Distinct signatures that name a known key; more is refused. Checked in two milliseconds."""
    npm_claims: int = 64
    """Versions of a packument tried to explain a signature that does not verify."""

    # -- trust repository -------------------------------------------------------------------------------------------
    tuf_metadata_bytes: int = 4 * _MIB
    """Each file; a repository of a team has 1 to 5 kB in each."""
    tuf_signatures: int = 256
    """In one file; those of keys that its role does not have are passed over unchecked."""
    tuf_keys: int = 256
    """Listed in one file."""
    tuf_root_versions: int = 256
    """Versions of root walked from the pinned one; the client of python-tuf has the same bound."""
    tuf_targets: int = 1_000
    """Files of one role."""
    tuf_target_bytes: int = 512 * _MIB
    """A database, held in memory; as ``database_download_bytes``."""
    tuf_export_bytes: int = 64 * _MIB
    """The one file for sites without a connection. All of it is parsed before any signature can be checked, in four times its
    size of memory, so whoever can hand over a file could fill a gate's: a large database travels beside it (``db import``)."""

    # -- network ----------------------------------------------------------------------------------------------------
    http_connect_seconds: float = 5.0
    http_total_seconds: float = 60.0
    """A whole exchange, so that one byte per second cannot hold a gate open."""
    http_redirects: int = 3
    http_parallel: int = 8
    evidence_versions: int = 64
    """Versions of the evidence package read for one subject."""
    evidence_publish_attempts: int = 5

    # -- advisory databases -------------------------------------------------------------------------------------------
    zip_bytes: int = _GIB
    """OSV's export for npm has 200 MB; a zip archive is read in pieces, never held."""
    zip_entries: int = 2_000_000
    zip_directory_bytes: int = 256 * _MIB
    """The table of contents, which is held: about 80 bytes for each entry."""
    zip_unpacked_bytes: int = 8 * _GIB
    advisory_bytes: int = 5 * _MIB
    """The largest of 41,892 real ones has 46 kB."""
    advisory_unreadable_percent: float = 1.0
    """More unreadable records than this and the data is refused: it is not what it says."""
    database_bytes: int = 2 * _GIB
    """An index file; 20 MB for 224,570 advisories."""
    database_download_bytes: int = 512 * _MIB
    """Held in memory while it is read."""
    database_download_seconds: float = 1800.0

    # -- time -------------------------------------------------------------------------------------------------------
    clock_skew_seconds: float = 300.0
    """How far in the future what another machine dated may lie before it is not believed."""

    # -- files ------------------------------------------------------------------------------------------------------
    small_file_bytes: int = _MIB
    """Keys, passwords, trust documents."""
    lock_seconds: float = 10.0
    """How long an append waits for another process."""
    blob_bytes: int = 4 * _GIB
    """A file signed or verified as a blob; hashed in pieces, never held."""


DEFAULT_LIMITS = Limits()
