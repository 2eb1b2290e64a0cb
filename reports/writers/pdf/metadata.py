"""What a PDF says of itself to programs (XMP): its title, its language, and that it is tagged by PDF/UA-1."""

import re
from xml.sax.saxutils import escape

from reportlab.pdfbase.pdfdoc import PDFDictionary, PDFName, PDFStream

from reports.document import Document
from reports.writers.pdf.shaping import cleaned

NOT_XML = re.compile("[\ufffe\uffff]")
PACKET = """\
<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>{creator}</rdf:li></rdf:Seq></dc:creator>
<dc:language><rdf:Bag><rdf:li>{language}</rdf:li></rdf:Bag></dc:language>
<pdfuaid:part>1</pdfuaid:part>
</rdf:Description>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>
"""


class Metadata(PDFStream):
    """The packet of a document, not compressed, so that programs find it which know no PDF."""

    def __init__(self, document: Document) -> None:
        packet = PACKET.format(
            title=_text(document.title), creator=_text(document.subtitle), language=_text(document.language)
        )
        kind = PDFDictionary({"Type": PDFName("Metadata"), "Subtype": PDFName("XML")})
        super().__init__(dictionary=kind, content=packet.encode())


def _text(text: str) -> str:
    return escape(NOT_XML.sub("\ufffd", cleaned(text)))
