"""The shapes of SARIF 2.1.0 and of the common JUnit XML, written down here: closed objects with what each requires.

SARIF: the objects of the OASIS schema (errata 01) that a report of ours can have, with every property that the schema
allows there and `additionalProperties: false`. JUnit: the elements, order, attributes and types of the schema that Ant,
Jenkins and GitLab share.
"""

from __future__ import annotations

from typing import Any

_LEVELS = ["none", "note", "warning", "error"]
_TEXT, _ANY = {"type": "string"}, True


def _closed(required: tuple[str, ...], known: dict[str, Any], others: str = "", **more: Any) -> dict[str, Any]:
    """An object that may have the named properties only; `others` are allowed by the schema and never ours."""
    listed = dict.fromkeys(others.split(), _ANY) | known | {"properties": {"$ref": "#/$defs/propertyBag"}}
    shape = {"type": "object", "additionalProperties": False, "properties": listed, **more}
    return shape | ({"required": list(required)} if required else {})


def _list(of: str, unique: bool = False) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/$defs/{of}"}, "uniqueItems": unique}


def _one(of: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{of}"}


_INDEX = {"type": "integer", "minimum": -1}
_ONE_ON = {"type": "integer", "minimum": 1}
_TEXTS = {"type": "object", "additionalProperties": _TEXT}

SARIF: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    **_closed(
        ("version", "runs"),
        {"$schema": {"type": "string", "format": "uri"}, "version": {"enum": ["2.1.0"]}, "runs": _list("run")},
        "inlineExternalProperties",
    ),
    "$defs": {
        "propertyBag": {"type": "object", "properties": {"tags": {"type": "array", "uniqueItems": True, "items": _TEXT}}},
        "run": _closed(
            ("tool",),
            {
                "tool": _one("tool"),
                "invocations": _list("invocation"),
                "artifacts": _list("artifact", unique=True),
                "results": _list("result"),
                "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
            },
            "conversion language versionControlProvenance originalUriBaseIds logicalLocations graphs automationDetails "
            "runAggregates baselineGuid redactionTokens defaultEncoding defaultSourceLanguage newlineSequences "
            "externalPropertyFileReferences threadFlowLocations taxonomies addresses translations policies webRequests "
            "webResponses specialLocations",
        ),
        "tool": _closed(("driver",), {"driver": _one("toolComponent")}, "extensions"),
        "toolComponent": _closed(
            ("name",),
            {"name": _TEXT, "version": _TEXT, "rules": _list("reportingDescriptor", unique=True)},
            "guid organization product productSuite shortDescription fullDescription fullName semanticVersion "
            "dottedQuadFileVersion releaseDateUtc downloadUri informationUri globalMessageStrings notifications taxa "
            "locations language contents isComprehensive localizedDataSemanticVersion "
            "minimumRequiredLocalizedDataSemanticVersion associatedComponent translationMetadata supportedTaxonomies",
        ),
        "reportingDescriptor": _closed(
            ("id",),
            {
                "id": _TEXT,
                "name": _TEXT,
                "shortDescription": _one("multiformatMessageString"),
                "fullDescription": _one("multiformatMessageString"),
                "help": _one("multiformatMessageString"),
                "defaultConfiguration": _closed((), {"level": {"enum": _LEVELS}}, "enabled rank parameters"),
            },
            "deprecatedIds guid deprecatedGuids deprecatedNames messageStrings helpUri relationships",
        ),
        "multiformatMessageString": _closed(("text",), {"text": _TEXT, "markdown": _TEXT}),
        "message": _closed((), {"text": _TEXT, "markdown": _TEXT}, "id arguments", anyOf=[{"required": ["text"]}, {"required": ["id"]}]),
        "invocation": _closed(
            ("executionSuccessful",),
            {"executionSuccessful": {"type": "boolean"}, "toolExecutionNotifications": _list("notification")},
            "commandLine arguments responseFiles startTimeUtc endTimeUtc exitCode ruleConfigurationOverrides "
            "notificationConfigurationOverrides toolConfigurationNotifications exitCodeDescription exitSignalName "
            "exitSignalNumber processStartFailureMessage machine account processId executableLocation workingDirectory "
            "environmentVariables stdin stdout stderr stdoutStderr",
        ),
        "notification": _closed(
            ("message",),
            {"message": _one("message"), "level": {"enum": _LEVELS}, "associatedRule": _one("descriptorReference")},
            "locations threadId timeUtc exception descriptor",
        ),
        "descriptorReference": _closed(
            (),
            {"id": _TEXT, "index": _INDEX},
            "guid toolComponent",
            anyOf=[{"required": ["index"]}, {"required": ["guid"]}, {"required": ["id"]}],
        ),
        "artifact": _closed(
            (),
            {"location": _one("artifactLocation"), "length": _INDEX, "hashes": _TEXTS},
            "description parentIndex offset roles mimeType contents encoding sourceLanguage lastModifiedTimeUtc",
        ),
        "artifactLocation": _closed((), {"uri": {"type": "string", "format": "uri-reference", "pattern": r"^[!-~]*$"}}, "uriBaseId index description"),
        "result": _closed(
            ("message",),
            {
                "ruleId": _TEXT,
                "ruleIndex": _INDEX,
                "level": {"enum": _LEVELS},
                "message": _one("message"),
                "locations": _list("location"),
                "relatedLocations": _list("location", unique=True),
                "partialFingerprints": _TEXTS,
                "suppressions": _list("suppression", unique=True),
                "baselineState": {"enum": ["new", "unchanged", "updated", "absent"]},
            },
            "rule kind analysisTarget guid correlationGuid occurrenceCount fingerprints stacks codeFlows graphs "
            "graphTraversals rank attachments hostedViewerUri workItemUris provenance fixes taxa webRequest webResponse",
        ),
        "location": _closed(
            (),
            {
                "id": _INDEX,
                "physicalLocation": _one("physicalLocation"),
                "logicalLocations": _list("logicalLocation", unique=True),
                "message": _one("message"),
            },
            "annotations relationships",
        ),
        "physicalLocation": _closed(
            (),
            {"artifactLocation": _one("artifactLocation"), "region": _one("region")},
            "address contextRegion",
            anyOf=[{"required": ["address"]}, {"required": ["artifactLocation"]}],
        ),
        "region": _closed(
            (),
            dict.fromkeys(("startLine", "startColumn", "endLine", "endColumn"), _ONE_ON),
            "charOffset charLength byteOffset byteLength snippet message sourceLanguage",
        ),
        "logicalLocation": _closed((), {"name": _TEXT, "fullyQualifiedName": _TEXT, "kind": _TEXT}, "index decoratedName parentIndex"),
        "suppression": _closed(
            ("kind",),
            {"kind": {"enum": ["inSource", "external"]}, "justification": _TEXT, "status": {"enum": ["accepted", "underReview", "rejected"]}},
            "guid location",
        ),
    },
}  # fmt: skip

JUNIT = """
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" elementFormDefault="qualified">
 <xs:simpleType name="count"><xs:restriction base="xs:nonNegativeInteger"/></xs:simpleType>
 <xs:simpleType name="day"><xs:restriction base="xs:dateTime">
  <xs:pattern value="[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"/></xs:restriction></xs:simpleType>
 <xs:simpleType name="filled"><xs:restriction base="xs:token"><xs:minLength value="1"/></xs:restriction></xs:simpleType>
 <xs:complexType name="told"><xs:simpleContent><xs:extension base="xs:string">
  <xs:attribute name="message" type="xs:string"/><xs:attribute name="type" type="xs:string" use="required"/>
 </xs:extension></xs:simpleContent></xs:complexType>
 <xs:element name="testsuites"><xs:complexType><xs:sequence>
  <xs:element name="testsuite" minOccurs="0" maxOccurs="unbounded"><xs:complexType><xs:sequence>
   <xs:element name="properties"><xs:complexType><xs:sequence>
    <xs:element name="property" minOccurs="0" maxOccurs="unbounded"><xs:complexType>
     <xs:attribute name="name" type="filled" use="required"/><xs:attribute name="value" type="xs:string" use="required"/>
    </xs:complexType></xs:element></xs:sequence></xs:complexType></xs:element>
   <xs:element name="testcase" minOccurs="0" maxOccurs="unbounded"><xs:complexType><xs:choice minOccurs="0">
    <xs:element name="skipped"><xs:complexType><xs:simpleContent><xs:extension base="xs:string">
     <xs:attribute name="message" type="xs:string"/></xs:extension></xs:simpleContent></xs:complexType></xs:element>
    <xs:element name="error" type="told"/><xs:element name="failure" type="told"/></xs:choice>
    <xs:attribute name="name" type="xs:token" use="required"/><xs:attribute name="classname" type="xs:token" use="required"/>
    <xs:attribute name="time" type="xs:decimal" use="required"/></xs:complexType></xs:element>
   <xs:element name="system-out" type="xs:string"/><xs:element name="system-err" type="xs:string"/></xs:sequence>
   <xs:attribute name="name" type="filled" use="required"/><xs:attribute name="timestamp" type="day" use="required"/>
   <xs:attribute name="hostname" type="filled" use="required"/><xs:attribute name="tests" type="count" use="required"/>
   <xs:attribute name="failures" type="count" use="required"/><xs:attribute name="errors" type="count" use="required"/>
   <xs:attribute name="skipped" type="count"/><xs:attribute name="time" type="xs:decimal" use="required"/>
   <xs:attribute name="package" type="xs:token" use="required"/><xs:attribute name="id" type="count" use="required"/>
  </xs:complexType></xs:element>
 </xs:sequence></xs:complexType></xs:element>
</xs:schema>
"""
