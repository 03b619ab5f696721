"""The example requests and replies of the API document.

Telephone numbers are exchanged for fictional ones, the ids of lists for `{list}` and
`{other}`, lines the document breaks for lack of room are joined, and what is named here as
a mistake of the document is mended: missing commas (account, send), a stray bracket (added
contacts), a missing end tag (send), an unescaped tag (link), and `status` where a reply of
the real API has one but the document does not show it (credits) or shows it as a text
(cancellation).
"""

from typing import NamedTuple

PROLOGUE = '<?xml version="1.0" encoding="UTF-8"?>'


class Example(NamedTuple):
    """One example: how to ask, and what is answered, in both formats."""

    method: str
    path: str
    json: str
    xml: str
    json_reply: str
    xml_reply: str


_SENT_JSON = """{
    "status": 1, "message": "OK", "ticket": "202", "cost": 2, "credits": 10996, "total": 2,
    "sent": 2, "blacklisted": 0, "duplicated": 0, "invalid": 0
}"""
_SENT_XML = """<response>
    <status>1</status><message>OK</message><ticket>203</ticket><cost>2</cost>
    <credits>10994</credits><total>2</total><sent>2</sent><blacklisted>0</blacklisted>
    <duplicated>0</duplicated><invalid>0</invalid>
</response>"""
_QUOTED_JSON = _SENT_JSON.replace('"ticket": "202", ', "")
_QUOTED_XML = _SENT_XML.replace("<ticket>203</ticket>", "")

_SEND_JSON = """{
  "sms": {
    "message": {
      "text": "Message via API",
      "pushtype": "alert",
      "delay": "2014-06-15T15:00:00+00:00",
      "sender": "SMSFactor"
    },
    "recipients": {
      "gsm": [
        {"gsmsmsid": "100", "value": "33639980304"},
        {"gsmsmsid": "101", "value": "33639980305"}
      ]
    }
  }
}"""
_SEND_XML = f"""{PROLOGUE}
<sms>
  <message>
    <text>Message via API</text>
<pushtype>alert</pushtype>
<delay>2014-06-15T15:00:00+00:00</delay>
<sender>SMSFactor</sender>
  </message>
  <recipients>
    <gsm gsmsmsid="100">33639980304</gsm>
    <gsm gsmsmsid="101">33639980305</gsm>
  </recipients>
</sms>"""
_ONE_LIST_JSON = """{
    "sms":{
        "message":{
            "text":"Envoi sur liste",
            "sender":"",
            "delay":"2014-08-14T14:59:29+02:00",
            "pushtype":"advertising"
        },
        "lists":[{"value":{list}}]
    }
}"""
_ONE_LIST_XML = f"""{PROLOGUE}
<sms>
   <message>
      <text>Envoi sur liste</text>
     <sender></sender>
     <delay>2014-08-14T14:59:29+02:00</delay>
     <pushtype>advertising</pushtype>
   </message>
   <lists>
      <value>{{list}}</value>
   </lists>
</sms>"""
_SHORT_TEXT = "Bonjour,<-short-> voici le lien 1 : <-short-> et voici le lien 2 :<-short->"
_CHANNEL = "https://www.youtube.com/channel/UCspPEvG_Hth_7mOb5yGfXWw"
_LINKS_XML = f"""<text><![CDATA[{_SHORT_TEXT}]]></text>
<links>{_CHANNEL} </links>
<links>https://www.facebook.com/SMSFactor/</links>
        <pushtype>alert</pushtype>"""

ACCOUNT = Example(
    "POST",
    "/account",
    """{
    "account":{
        "email" : "demoapi@smsfactor.com", "password" : "test987654", "firstname" : "Jean",
        "lastname": "Jacques", "city" : "Nice", "phone": "0639980405",
        "address1": "rue droite", "zip": "06000", "country_code" : "fr"
    }
}""",
    f"""{PROLOGUE}
<account>
  <email>demoapi@smsfactor.com</email><password>test987654</password>
  <firstname></firstname><lastname></lastname><city></city><phone></phone>
  <address1></address1><address2></address2><zip></zip>
<country_code>FR</country_code>
</account>""",
    '{"status": 1, "message": "OK", "id": "2"}',
    "<response><status>1</status><message>OK</message><id>2</id></response>",
)
SUB_ACCOUNT = ACCOUNT._replace(
    json=ACCOUNT.json.replace(
        '"country_code" : "fr"', '"country_code" : "fr", "isChild": "1", "unlimited" : "1"'
    ),
    xml=ACCOUNT.xml.replace(
        "</account>", "  <isChild>1</isChild>\n  <unlimited>0</unlimited>\n</account>"
    ),
)
CREDITS = Example(
    "GET",
    "/credits",
    "",
    "",
    '{"status": 1, "message": "OK", "credits": "2420"}',
    "<response><status>1</status><message>OK</message><credits>2420</credits></response>",
)
SEND = Example("POST", "/send", _SEND_JSON, _SEND_XML, _SENT_JSON, _SENT_XML)
SIMULATE = Example("POST", "/send/simulate", _SEND_JSON, _SEND_XML, _QUOTED_JSON, _QUOTED_XML)
SEND_BY_QUERY = SEND._replace(
    method="GET",
    path="/send?username=sandbox%40example.com&password=sandbox&text=Message&to=33639980304",
    json="",
    xml="",
)
SEND_TO_A_LIST = Example(
    "POST", "/send/lists", _ONE_LIST_JSON, _ONE_LIST_XML, _SENT_JSON, _SENT_XML
)
SEND_TO_LISTS = SEND_TO_A_LIST._replace(
    json=_ONE_LIST_JSON.replace('[{"value":{list}}]', '[{"value":{list}}, {"value":{other}}]'),
    xml=_ONE_LIST_XML.replace("</lists>", "</lists><lists><value>{other}</value></lists>"),
)
SIMULATE_A_LIST = SEND_TO_A_LIST._replace(
    path="/send/lists/simulate", json_reply=_QUOTED_JSON, xml_reply=_QUOTED_XML
)
CANCEL = Example(
    "DELETE",
    "/send/{ticket}",
    "",
    "",
    '{"status": 1, "message": "OK", "credits": "10991"}',
    "<response><status>1</status><message>OK</message><credits>10991</credits></response>",
)
CREATE_LIST = Example(
    "POST",
    "/list",
    """{
    "list":{
        "name":"Liste API",
        "contacts":{
            "gsm":[
                {"value":"33639980304", "info1":"Jean", "info2":"Martin",
                 "info3":"Monsieur", "info4":"Nice"},
                {"value":"33639980305", "info1":"Hélène", "info2":"Dupont",
                 "info3":"Madame", "info4":"Nice"}
            ]
        }
    }
}""",
    f"""{PROLOGUE}
<list>
   <name>Liste API</name>
   <contacts>
   <gsm>
      <value>33639980304</value><info1>Jean</info1><info2>Martin</info2>
      <info3>Monsieur</info3><info4>Nice</info4>
   </gsm>
   <gsm>
       <value>33639980305</value><info1>Hélène</info1><info2>Dupont</info2>
      <info3>Madame</info3><info4>Nice</info4>
   </gsm>
   </contacts>
</list>""",
    '{"status": 1, "message": "OK", "contacts": 2, "id": "45"}',
    "<response><status>1</status><message>OK</message><contacts>2</contacts><id>45</id></response>",
)
ADD_CONTACTS = CREATE_LIST._replace(
    json="""{
    "list":{
        "listId": "{list}",
        "contacts":{
            "gsm":[
                {"value" : "33639980306", "info1" : "Cassandre", "info2" : "Martin",
                 "info3" : "Madame", "info4" : "Nice"}
            ]
        }
    }
}""",
    xml=f"""{PROLOGUE}
<list>
 <listId>{{list}}</listId>
 <contacts>
                 <gsm info1="Cassandre"
                      info2="Martin"
                      info3="Madame"
                      info4="Nice">33639980306
             </gsm>
 </contacts>
</list>""",
)
LISTS = Example(
    "GET",
    "/lists",
    "",
    "",
    """{"status": 1, "message": "OK", "lists": [
        {"id": "45", "name": "Liste API", "date": "2014-03-10 10:36:49"},
        {"id": "50", "name": "2014-03-10 10:42:23", "date": "2014-03-10 10:42:23"}
    ]}""",
    """<response><status>1</status><message>OK</message>
 <lists><id>45</id><name>Liste API</name><date>2014-03-10 10:36:49</date></lists>
 <lists><id>50</id><name>2014-03-10 10:42:23</name><date>2014-03-10 10:42:23</date></lists>
</response>""",
)
LIST = Example(
    "GET",
    "/list/{list}",
    "",
    "",
    """{"status": 1, "message": "OK", "list": [
        {"id": "14063", "destination": "33639980304", "info1": "Jean", "info2": "Martin",
         "info3": "Monsieur", "info4": "Nice"},
        {"id": "14064", "destination": "33639980305", "info1": "Hélène", "info2": "Dupont",
         "info3": "Madame", "info4": "Nice"}
    ]}""",
    """<response><status>1</status><message>OK</message>
    <list><id>14063</id><destination>33639980304</destination><info1>Jean</info1>
        <info2>Martin</info2><info3>Monsieur</info3><info4>Nice</info4></list>
    <list><id>14064</id><destination>33639980305</destination><info1>Hélène</info1>
        <info2>Dupont</info2><info3>Madame</info3><info4>Nice</info4></list>
</response>""",
)
BLACKLIST = LIST._replace(path="/blacklist")
DEDUPLICATE = Example(
    "PUT",
    "/list/deduplicate/{list}",
    "",
    "",
    '{"status": 1, "message": "OK", "removed": 0}',
    "<response><status>1</status><message>OK</message><removed>0</removed></response>",
)
REMOVE_CONTACT = Example(
    "DELETE",
    "/list/contact/{contact}",
    "",
    "",
    '{"status": 1, "message": "OK"}',
    "<response><status>1</status><message>OK</message></response>",
)
SEND_LINKS = SEND._replace(
    json=f"""{{
    "sms": {{
        "message": {{
            "text": "{_SHORT_TEXT}",
            "sender": "", "delay": "", "pushtype": "advertising",
            "links": ["{_CHANNEL} ", "http://smsfactor.com"]
         }},
        "recipients": {{"gsm": [{{"value": "33639980855"}}]}}
    }}
}}""",
    xml=f"""{PROLOGUE}
<sms>
    <message>{_LINKS_XML}</message>
    <recipients>
        <gsm>33639980855</gsm>
    </recipients>
</sms>""",
)
SEND_LINKS_TO_A_LIST = SEND_TO_A_LIST._replace(
    json=f"""{{
    "sms": {{
        "message": {{
            "text": "<------short----->",
            "sender": "", "delay": "", "pushtype": "advertising",
            "links": ["{_CHANNEL}"]
        }},
        "lists": [{{"value": {{list}}}}]
    }}
}}""",
    xml=f"""{PROLOGUE}
<sms>
    <message>{_LINKS_XML}</message>
    <lists>
        <value>{{list}}</value>
    </lists>
</sms>""",
)
LINK_TAG = Example(
    "GET",
    "/link/short/advertising/tag",
    "",
    "",
    '{"status":1,"message":"OK","tag":"<-----short----->"}',
    "<response><status>1</status><message>OK</message>"
    "<tag>&lt;-----short-----&gt;</tag></response>",
)

EXAMPLES = {
    "account": ACCOUNT,
    "sub-account": SUB_ACCOUNT,
    "credits": CREDITS,
    "send": SEND,
    "send by query": SEND_BY_QUERY,
    "simulate": SIMULATE,
    "send to a list": SEND_TO_A_LIST,
    "send to lists": SEND_TO_LISTS,
    "simulate a list": SIMULATE_A_LIST,
    "cancel": CANCEL,
    "create a list": CREATE_LIST,
    "add contacts": ADD_CONTACTS,
    "lists": LISTS,
    "one list": LIST,
    "deduplicate": DEDUPLICATE,
    "remove a contact": REMOVE_CONTACT,
    "blacklist": BLACKLIST,
    "send links": SEND_LINKS,
    "send links to a list": SEND_LINKS_TO_A_LIST,
    "link tag": LINK_TAG,
}

AUTHENTICATED_JSON = """{
    "sms":{
        "authentication":{
            "username":"sandbox@example.com",
            "password":"sandbox"
        },
        "message":{"text":"Message via API"},
        "recipients":{"gsm":[{"gsmsmsid":"100", "value":"33639980304"}]}
    }
}"""
AUTHENTICATED_XML = f"""{PROLOGUE}
<sms>
  <authentication>
    <username>sandbox@example.com</username>
    <password>sandbox</password>
  </authentication>
  <message>
    <text>Message via API</text>
  </message>
  <recipients>
    <gsm gsmsmsid="100">33639980304</gsm>
  </recipients>
</sms>"""
