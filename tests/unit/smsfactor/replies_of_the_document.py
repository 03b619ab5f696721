"""The document's example replies, slips included; only the phone numbers are made up."""

SEND_XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<response>
    <status>1</status>
    <message>OK</message>
    <ticket>202</ticket>
    <cost>2</cost>
    <credits>10996</credits>
    <total>2</total>
    <sent>2</sent>
    <blacklisted>0</blacklisted>
    <duplicated>0</duplicated>
    <invalid>0</invalid>
"""

SEND_JSON = b"""{
    "status": 1,
    "message": "OK",
    "ticket": "202",
    "cost": 2,
    "credits": 10996,
    "total": 2,
    "sent": 2,
    "blacklisted": 0,
    "duplicated": 0
    "invalid": 0
}"""

CREDITS_XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<response>
    <credits>2420</credits>
    <message>OK</message>
</response>"""

CREDITS_JSON = b'{\n  "credits": "2420",\n  "message": "OK"\n}'

CANCEL_XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<response>
    <status>1</status>
    <message>OK</message>
    <credits>10991</credits>
</response>"""

CANCEL_JSON = b'{\n  "status": "1",\n  "message": "OK",\n  "credits": "10991"\n}'

CREATED_XML = b"""<?xml version="1.0" encoding="UTF-8" ?>
<response>
 <status>1</status>
 <message>OK</message>
 <contacts>2</contacts>
 <id>45</id>
</response>"""

CREATED_JSON = b'{\n "status": 1,\n "message": "OK",\n "contacts": 2,\n "id": "45"\n}'

ADDED_XML = CREATED_XML.replace(b">2<", b">1<").replace(b"45", b"50")

ADDED_JSON = b"""{
    "status": 1,
    "message": "OK",
    "contacts": 1,
    "id": "50"
    ] }"""

LISTS_XML = b"""<?xml version="1.0" encoding="UTF-8" ?>
<response>
 <status>1</status>
 <message>OK</message>
 <lists>
  <id>45</id>
  <name>Liste API</name>
  <date>2014-03-10 10:36:49</date>
 </lists>
 <lists>
  <id>50</id>
  <name>2014-03-10 10:42:23</name>
  <date>2014-03-10 10:42:23</date>
 </lists>
</response>"""

LISTS_JSON = b"""{
    "status": 1,
    "message": "OK",
    "lists": [
        {"id": "45", "name": "Liste API", "date": "2014-03-10 10:36:49"},
        {"id": "50", "name": "2014-03-10 10:42:23", "date": "2014-03-10 10:42:23"}
    ]
}"""

LIST_XML = """<?xml version="1.0" encoding="UTF-8"?>
<response>
    <status>1</status>
    <message>OK</message>
    <list>
        <id>14063</id>
        <destination>33639980001</destination>
        <info1>Jean</info1>
        <info2>Martin</info2>
        <info3>Monsieur</info3>
        <info4>Nice</info4>
    </list>
    <list>
        <id>14064</id>
        <destination>33639980002</destination>
        <info1>Hélène</info1>
        <info2>Dupont</info2>
        <info3>Madame</info3>
        <info4></info4>
    </list>
</response>""".encode()

LIST_JSON = """{
    "status": 1,
    "message": "OK",
    "list": [
        {
            "id": "14063",
            "destination": "33639980001",
            "info1": "Jean",
            "info2": "Martin",
            "info3": "Monsieur",
            "info4": "Nice"
        },
        {
            "id": "14064",
            "destination": "33639980002",
            "info1": "Hélène",
            "info2": "Dupont",
            "info3": "Madame",
            "info4": ""
        }
    ]
}""".encode()

DEDUPLICATED_XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<response>
    <status>1</status>
    <message>OK</message>
    <removed>0</removed>
</response>"""

DEDUPLICATED_JSON = b'{\n "status": 1,\n "message": "OK",\n "removed": 0\n}'

REMOVED_XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<response>
    <status>1</status>
    <message>OK</message>
</response>"""

REMOVED_JSON = b'{\n "status": 1,\n "message": "OK"\n}'

TAG_XML = b"""<response>
    <status>1</status>
    <message>OK</message>
    <tag><-----short-----></tag>
</response>"""

TAG_JSON = b'{"status":1,"message":"OK","tag":"<-----short----->"}'
