<?xml version="1.0" encoding="UTF-8"?>
<!-- Shows a Define-XML 2.1 document as one page: standards, datasets, variables, value level, code lists, methods, comments. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"
  xmlns:odm="http://www.cdisc.org/ns/odm/v1.3" xmlns:def="http://www.cdisc.org/ns/def/v2.1"
  xmlns:xlink="http://www.w3.org/1999/xlink" exclude-result-prefixes="odm def xlink">
  <xsl:output method="html" encoding="UTF-8" doctype-system="about:legacy-compat" indent="no"/>

  <xsl:key name="item" match="odm:ItemDef" use="@OID"/>
  <xsl:key name="list" match="odm:CodeList" use="@OID"/>
  <xsl:key name="method" match="odm:MethodDef" use="@OID"/>
  <xsl:key name="comment" match="def:CommentDef" use="@OID"/>
  <xsl:key name="values" match="def:ValueListDef" use="@OID"/>
  <xsl:key name="where" match="def:WhereClauseDef" use="@OID"/>
  <xsl:key name="standard" match="def:Standard" use="@OID"/>
  <xsl:key name="leaf" match="def:leaf" use="@ID"/>
  <xsl:variable name="meta" select="/odm:ODM/odm:Study/odm:MetaDataVersion"/>

  <xsl:template match="/">
    <html lang="en">
      <head>
        <meta charset="utf-8"/>
        <meta name="viewport" content="width=device-width, initial-scale=1"/>
        <title><xsl:value-of select="$meta/@Name"/></title>
        <style><xsl:call-template name="style"/></style>
      </head>
      <body>
        <nav aria-label="Contents">
          <p class="study"><xsl:value-of select="/odm:ODM/odm:Study/odm:GlobalVariables/odm:StudyName"/></p>
          <ul>
            <li><a href="#standards">Standards</a></li>
            <li><a href="#datasets">Datasets</a>
              <ul class="names">
                <xsl:for-each select="$meta/odm:ItemGroupDef"><li><a href="#{@OID}"><xsl:value-of select="@Name"/></a></li></xsl:for-each>
              </ul>
            </li>
            <xsl:if test="$meta/def:ValueListDef"><li><a href="#values">Value level</a></li></xsl:if>
            <xsl:if test="$meta/odm:CodeList"><li><a href="#lists">Code lists</a></li></xsl:if>
            <xsl:if test="$meta/odm:MethodDef"><li><a href="#methods">Methods</a></li></xsl:if>
            <xsl:if test="$meta/def:CommentDef"><li><a href="#comments">Comments</a></li></xsl:if>
          </ul>
        </nav>
        <main>
          <xsl:call-template name="head"/>
          <xsl:call-template name="standards"/>
          <xsl:call-template name="datasets"/>
          <xsl:apply-templates select="$meta/odm:ItemGroupDef"/>
          <xsl:call-template name="values"/>
          <xsl:call-template name="lists"/>
          <xsl:call-template name="methods"/>
          <xsl:call-template name="comments"/>
        </main>
      </body>
    </html>
  </xsl:template>

  <xsl:template name="head">
    <header>
      <h1><xsl:value-of select="$meta/@Name"/></h1>
      <p><xsl:value-of select="/odm:ODM/odm:Study/odm:GlobalVariables/odm:StudyDescription"/></p>
      <dl>
        <dt>Protocol</dt><dd><xsl:value-of select="/odm:ODM/odm:Study/odm:GlobalVariables/odm:ProtocolName"/></dd>
        <dt>Created</dt><dd><xsl:value-of select="translate(/odm:ODM/@CreationDateTime, 'T', ' ')"/></dd>
        <dt>Define-XML</dt><dd><xsl:value-of select="$meta/@def:DefineVersion"/></dd>
        <dt>Made with</dt><dd><xsl:value-of select="concat(/odm:ODM/@SourceSystem, ' ', /odm:ODM/@SourceSystemVersion)"/></dd>
      </dl>
      <xsl:if test="$meta/@def:CommentOID">
        <p class="lines"><xsl:value-of select="key('comment', $meta/@def:CommentOID)/odm:Description/odm:TranslatedText"/></p>
      </xsl:if>
      <xsl:for-each select="$meta/def:AnnotatedCRF/def:DocumentRef | $meta/def:SupplementalDoc/def:DocumentRef">
        <p><a href="{key('leaf', @leafID)/@xlink:href}"><xsl:value-of select="key('leaf', @leafID)/def:title"/></a></p>
      </xsl:for-each>
    </header>
  </xsl:template>

  <xsl:template name="standards">
    <section id="standards">
      <h2>Standards</h2>
      <table>
        <thead><tr><th>Standard</th><th>Type</th><th>Publishing set</th><th>Version</th><th>Status</th></tr></thead>
        <tbody>
          <xsl:for-each select="$meta/def:Standards/def:Standard">
            <tr id="{@OID}"><td><xsl:value-of select="@Name"/></td><td><xsl:value-of select="@Type"/></td><td><xsl:value-of select="@PublishingSet"/></td><td><xsl:value-of select="@Version"/></td><td><xsl:value-of select="@Status"/></td></tr>
          </xsl:for-each>
        </tbody>
      </table>
    </section>
  </xsl:template>

  <xsl:template name="datasets">
    <section id="datasets">
      <h2>Datasets</h2>
      <table>
        <thead><tr><th>Dataset</th><th>Description</th><th>Class</th><th>Structure</th><th>Keys</th><th>Purpose</th><th>File</th></tr></thead>
        <tbody>
          <xsl:for-each select="$meta/odm:ItemGroupDef">
            <tr>
              <td><a class="code" href="#{@OID}"><xsl:value-of select="@Name"/></a></td>
              <td>
                <xsl:value-of select="odm:Description/odm:TranslatedText"/>
                <xsl:call-template name="remarks"><xsl:with-param name="ref" select="."/><xsl:with-param name="definition" select="."/></xsl:call-template>
              </td>
              <td><xsl:call-template name="class"/></td>
              <td><xsl:value-of select="@def:Structure"/></td>
              <td><xsl:call-template name="keys"/></td>
              <td><xsl:value-of select="@Purpose"/><xsl:if test="@IsReferenceData='Yes'"> (reference data)</xsl:if></td>
              <td><a class="file" href="{def:leaf/@xlink:href}"><xsl:value-of select="def:leaf/def:title"/></a></td>
            </tr>
          </xsl:for-each>
        </tbody>
      </table>
    </section>
  </xsl:template>

  <xsl:template name="class">
    <xsl:value-of select="def:Class/@Name"/>
    <xsl:for-each select="def:Class/def:SubClass"><br/><span class="quiet"><xsl:value-of select="@Name"/></span></xsl:for-each>
  </xsl:template>

  <xsl:template name="keys">
    <xsl:for-each select="odm:ItemRef[@KeySequence]">
      <xsl:sort select="@KeySequence" data-type="number"/>
      <xsl:if test="position() &gt; 1">, </xsl:if><xsl:value-of select="key('item', @ItemOID)/@Name"/>
    </xsl:for-each>
  </xsl:template>

  <xsl:template match="odm:ItemGroupDef">
    <section id="{@OID}">
      <h2><span class="code"><xsl:value-of select="@Name"/></span><xsl:text> </xsl:text><xsl:value-of select="odm:Description/odm:TranslatedText"/></h2>
      <p class="quiet">
        <xsl:value-of select="@def:Structure"/> · <xsl:value-of select="def:Class/@Name"/>
        <xsl:if test="key('standard', @def:StandardOID)"> · <xsl:value-of select="concat(key('standard', @def:StandardOID)/@Name, ' ', key('standard', @def:StandardOID)/@Version)"/></xsl:if>
        · <a href="{def:leaf/@xlink:href}"><xsl:value-of select="def:leaf/def:title"/></a>
        · <a href="#datasets">all datasets</a>
      </p>
      <table class="variables">
        <thead><tr><th>Variable</th><th>Label</th><th>Key</th><th>Type</th><th>Length</th><th>Role</th><th>Code list</th><th>Origin and method</th></tr></thead>
        <tbody>
          <xsl:for-each select="odm:ItemRef">
            <xsl:variable name="item" select="key('item', @ItemOID)"/>
            <tr id="{@ItemOID}">
              <xsl:if test="@def:HasNoData='Yes'"><xsl:attribute name="class">empty</xsl:attribute></xsl:if>
              <td class="code">
                <xsl:value-of select="$item/@Name"/>
                <xsl:if test="$item/def:ValueListRef"><a class="level" href="#{$item/def:ValueListRef/@ValueListOID}">value level</a></xsl:if>
              </td>
              <td><xsl:value-of select="$item/odm:Description/odm:TranslatedText"/></td>
              <td class="number"><xsl:value-of select="@KeySequence"/></td>
              <td><xsl:call-template name="type"><xsl:with-param name="item" select="$item"/></xsl:call-template></td>
              <td class="number"><xsl:call-template name="length"><xsl:with-param name="item" select="$item"/></xsl:call-template></td>
              <td><xsl:value-of select="@Role"/><xsl:if test="@Mandatory='Yes'"><span class="quiet"> mandatory</span></xsl:if></td>
              <td><xsl:call-template name="list"><xsl:with-param name="item" select="$item"/></xsl:call-template></td>
              <td><xsl:call-template name="origin"><xsl:with-param name="item" select="$item"/><xsl:with-param name="ref" select="."/></xsl:call-template></td>
            </tr>
          </xsl:for-each>
        </tbody>
      </table>
    </section>
  </xsl:template>

  <xsl:template name="type">
    <xsl:param name="item"/>
    <xsl:value-of select="$item/@DataType"/>
    <xsl:if test="$item/@def:DisplayFormat"><span class="quiet"> <xsl:value-of select="concat(' ', $item/@def:DisplayFormat)"/></span></xsl:if>
  </xsl:template>

  <xsl:template name="length">
    <xsl:param name="item"/>
    <xsl:value-of select="$item/@Length"/>
    <xsl:if test="$item/@SignificantDigits &gt; 0">.<xsl:value-of select="$item/@SignificantDigits"/></xsl:if>
  </xsl:template>

  <xsl:template name="list">
    <xsl:param name="item"/>
    <xsl:variable name="list" select="key('list', $item/odm:CodeListRef/@CodeListOID)"/>
    <xsl:if test="$list">
      <a href="#{$list/@OID}"><xsl:value-of select="$list/@Name"/></a>
      <xsl:variable name="terms" select="$list/odm:CodeListItem | $list/odm:EnumeratedItem"/>
      <xsl:if test="count($terms) &gt; 0 and count($terms) &lt;= 6">
        <br/><span class="quiet"><xsl:for-each select="$terms"><xsl:if test="position() &gt; 1"> · </xsl:if><xsl:value-of select="@CodedValue"/></xsl:for-each></span>
      </xsl:if>
    </xsl:if>
  </xsl:template>

  <xsl:template name="origin">
    <xsl:param name="item"/>
    <xsl:param name="ref"/>
    <xsl:for-each select="$item/def:Origin">
      <xsl:value-of select="@Type"/>
      <xsl:if test="@Source"><span class="quiet"> by <xsl:value-of select="@Source"/></span></xsl:if>
      <xsl:if test="odm:Description">: <span class="code"><xsl:value-of select="odm:Description/odm:TranslatedText"/></span></xsl:if>
    </xsl:for-each>
    <xsl:if test="$ref/@MethodOID">
      <p class="text"><xsl:value-of select="key('method', $ref/@MethodOID)/odm:Description/odm:TranslatedText"/></p>
    </xsl:if>
    <xsl:call-template name="remarks"><xsl:with-param name="ref" select="$ref"/><xsl:with-param name="definition" select="$item"/></xsl:call-template>
  </xsl:template>

  <xsl:template name="remarks">
    <xsl:param name="ref"/>
    <xsl:param name="definition"/>
    <xsl:if test="$ref/@def:IsNonStandard='Yes'"><p><span class="mark">not in the standard</span></p></xsl:if>
    <xsl:if test="$definition/@def:CommentOID">
      <p class="text"><xsl:value-of select="key('comment', $definition/@def:CommentOID)/odm:Description/odm:TranslatedText"/></p>
    </xsl:if>
  </xsl:template>

  <xsl:template name="values">
    <xsl:if test="$meta/def:ValueListDef">
      <section id="values">
        <h2>Value level</h2>
        <xsl:for-each select="$meta/def:ValueListDef">
          <xsl:variable name="owner" select="$meta/odm:ItemDef[def:ValueListRef/@ValueListOID = current()/@OID]"/>
          <xsl:variable name="group" select="$meta/odm:ItemGroupDef[odm:ItemRef/@ItemOID = $owner/@OID]"/>
          <h3 id="{@OID}"><a class="code" href="#{$owner/@OID}"><xsl:value-of select="concat($group/@Name, '.', $owner/@Name)"/></a></h3>
          <table class="variables">
            <thead><tr><th>Where</th><th>Label</th><th>Type</th><th>Length</th><th>Code list</th><th>Origin and method</th></tr></thead>
            <tbody>
              <xsl:for-each select="odm:ItemRef">
                <xsl:variable name="item" select="key('item', @ItemOID)"/>
                <tr id="{@ItemOID}">
                  <td class="code"><xsl:apply-templates select="key('where', def:WhereClauseRef/@WhereClauseOID)/odm:RangeCheck"/></td>
                  <td><xsl:value-of select="$item/odm:Description/odm:TranslatedText"/></td>
                  <td><xsl:call-template name="type"><xsl:with-param name="item" select="$item"/></xsl:call-template></td>
                  <td class="number"><xsl:call-template name="length"><xsl:with-param name="item" select="$item"/></xsl:call-template></td>
                  <td><xsl:call-template name="list"><xsl:with-param name="item" select="$item"/></xsl:call-template></td>
                  <td><xsl:call-template name="origin"><xsl:with-param name="item" select="$item"/><xsl:with-param name="ref" select="."/></xsl:call-template></td>
                </tr>
              </xsl:for-each>
            </tbody>
          </table>
        </xsl:for-each>
      </section>
    </xsl:if>
  </xsl:template>

  <xsl:template match="odm:RangeCheck">
    <xsl:if test="position() &gt; 1"><br/>and </xsl:if>
    <xsl:value-of select="key('item', @def:ItemOID)/@Name"/>
    <xsl:choose>
      <xsl:when test="@Comparator='EQ'"> = </xsl:when>
      <xsl:when test="@Comparator='NE'"> ≠ </xsl:when>
      <xsl:when test="@Comparator='IN'"> in </xsl:when>
      <xsl:when test="@Comparator='NOTIN'"> not in </xsl:when>
      <xsl:otherwise><xsl:value-of select="concat(' ', @Comparator, ' ')"/></xsl:otherwise>
    </xsl:choose>
    <xsl:for-each select="odm:CheckValue"><xsl:if test="position() &gt; 1">, </xsl:if><xsl:value-of select="."/></xsl:for-each>
  </xsl:template>

  <xsl:template name="lists">
    <xsl:if test="$meta/odm:CodeList">
      <section id="lists">
        <h2>Code lists</h2>
        <xsl:for-each select="$meta/odm:CodeList">
          <xsl:variable name="standard" select="key('standard', @def:StandardOID)"/>
          <h3 id="{@OID}">
            <xsl:value-of select="@Name"/>
            <span class="quiet">
              <xsl:if test="odm:Alias"> · <xsl:value-of select="odm:Alias/@Name"/></xsl:if>
              <xsl:choose>
                <xsl:when test="$standard"> · <xsl:value-of select="concat($standard/@PublishingSet, ' CT ', $standard/@Version)"/></xsl:when>
                <xsl:when test="odm:ExternalCodeList"/>
                <xsl:otherwise> · sponsor list</xsl:otherwise>
              </xsl:choose>
              <xsl:if test="@DataType != 'text'"> · <xsl:value-of select="@DataType"/></xsl:if>
            </span>
          </h3>
          <xsl:for-each select="odm:ExternalCodeList">
            <p>External dictionary <xsl:value-of select="@Dictionary"/><xsl:if test="@Version">, version <xsl:value-of select="@Version"/></xsl:if>.</p>
          </xsl:for-each>
          <xsl:if test="odm:CodeListItem | odm:EnumeratedItem">
            <table class="terms">
              <thead><tr><th>Value</th><xsl:if test="odm:CodeListItem"><th>Decode</th></xsl:if><xsl:if test="odm:Alias"><th>C-code</th></xsl:if></tr></thead>
              <tbody>
                <xsl:for-each select="odm:CodeListItem | odm:EnumeratedItem">
                  <tr>
                    <td class="code"><xsl:value-of select="@CodedValue"/></td>
                    <xsl:if test="../odm:CodeListItem"><td><xsl:value-of select="odm:Decode/odm:TranslatedText"/></td></xsl:if>
                    <xsl:if test="../odm:Alias">
                      <td><xsl:value-of select="odm:Alias/@Name"/><xsl:if test="@def:ExtendedValue='Yes'"><span class="mark">extended</span></xsl:if></td>
                    </xsl:if>
                  </tr>
                </xsl:for-each>
              </tbody>
            </table>
          </xsl:if>
        </xsl:for-each>
      </section>
    </xsl:if>
  </xsl:template>

  <xsl:template name="methods">
    <xsl:if test="$meta/odm:MethodDef">
      <section id="methods">
        <h2>Methods</h2>
        <table>
          <thead><tr><th>Method</th><th>Used by</th><th>Text</th></tr></thead>
          <tbody>
            <xsl:for-each select="$meta/odm:MethodDef">
              <xsl:variable name="users" select="$meta/odm:ItemGroupDef/odm:ItemRef[@MethodOID = current()/@OID] | $meta/def:ValueListDef/odm:ItemRef[@MethodOID = current()/@OID]"/>
              <tr id="{@OID}">
                <td><xsl:value-of select="@Name"/></td>
                <td class="code">
                  <xsl:for-each select="$users"><xsl:if test="position() &gt; 1"><xsl:text> </xsl:text></xsl:if><a href="#{@ItemOID}"><xsl:value-of select="substring-after(@ItemOID, 'IT.')"/></a></xsl:for-each>
                </td>
                <td class="lines"><xsl:value-of select="odm:Description/odm:TranslatedText"/></td>
              </tr>
            </xsl:for-each>
          </tbody>
        </table>
      </section>
    </xsl:if>
  </xsl:template>

  <xsl:template name="comments">
    <xsl:if test="$meta/def:CommentDef">
      <section id="comments">
        <h2>Comments</h2>
        <table>
          <thead><tr><th>Comment</th><th>Text</th></tr></thead>
          <tbody>
            <xsl:for-each select="$meta/def:CommentDef">
              <tr id="{@OID}"><td class="code"><xsl:value-of select="@OID"/></td><td class="lines"><xsl:value-of select="odm:Description/odm:TranslatedText"/></td></tr>
            </xsl:for-each>
          </tbody>
        </table>
      </section>
    </xsl:if>
  </xsl:template>

  <xsl:template name="style">
    :root { --ink: #1b2430; --quiet: #5c6875; --line: #d8dee5; --soft: #f4f6f9; --accent: #14548f; --mark: #8a4b00; }
    * { box-sizing: border-box; }
    html { scroll-padding-top: 1rem; }
    body { margin: 0; color: var(--ink); background: #fff; font: 14px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; display: grid; grid-template-columns: 200px minmax(0, 1fr); }
    nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 1.2rem 1rem; background: var(--soft); border-right: 1px solid var(--line); }
    nav .study { margin: 0 0 .8rem; font-weight: 700; }
    nav ul { list-style: none; margin: 0; padding: 0; }
    nav li { margin: .25rem 0; }
    nav .names { display: grid; grid-template-columns: 1fr 1fr; gap: 0 .5rem; margin: .2rem 0 .5rem .6rem; font-size: 12.5px; }
    nav .names li { margin: .1rem 0; }
    main { padding: 1.6rem 2rem 4rem; max-width: 1500px; }
    h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .3rem; }
    h2 { font-size: 1.15rem; margin: 2.4rem 0 .3rem; padding-top: .6rem; border-top: 2px solid var(--ink); }
    h3 { font-size: .95rem; margin: 1.5rem 0 .4rem; }
    h3 .quiet { font-weight: 400; }
    p { margin: .3rem 0; }
    dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1.2rem; margin: .8rem 0; }
    dt { color: var(--quiet); }
    dd { margin: 0; }
    a { color: var(--accent); text-decoration: none; overflow-wrap: anywhere; }
    a:hover, a:focus-visible { text-decoration: underline; }
    table { width: 100%; border-collapse: collapse; margin: .5rem 0 1rem; }
    table.variables th:last-child { width: 34%; }
    a.file, a.code { white-space: nowrap; overflow-wrap: normal; }
    table.terms { width: auto; min-width: 320px; }
    th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid var(--line); }
    th { font-size: 12px; color: var(--quiet); font-weight: 600; background: var(--soft); position: sticky; top: 0; }
    .code { font-family: ui-monospace, "SFMono-Regular", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .92em; }
    td.code { white-space: nowrap; }
    #methods td.code { white-space: normal; min-width: 14rem; }
    td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
    th:nth-child(3), th:nth-child(5) { white-space: nowrap; }
    .quiet { color: var(--quiet); font-size: .92em; }
    .text { color: var(--quiet); font-size: .92em; max-width: 62ch; white-space: pre-line; }
    .lines { white-space: pre-line; max-width: 80ch; }
    .mark { display: inline-block; margin-left: .4rem; padding: 0 .4rem; border: 1px solid currentColor; border-radius: 3px; color: var(--mark); font-size: 11.5px; }
    .level { display: block; font-family: system-ui, sans-serif; font-size: 11.5px; }
    tr.empty td { color: var(--quiet); }
    tr:target td, h3:target { background: #fff6d6; }
    @media (max-width: 820px) { body { display: block; } nav { position: static; height: auto; } main { padding: 1rem; } section { overflow-x: auto; } }
    @media print { body { display: block; } nav { display: none; } th { position: static; } main { max-width: none; padding: 0; } a { color: inherit; } }
  </xsl:template>
</xsl:stylesheet>
