import{n as e,r as t,t as n}from"./client.js";var r=globalThis,i=r.ShadowRoot&&(r.ShadyCSS===void 0||r.ShadyCSS.nativeShadow)&&`adoptedStyleSheets`in Document.prototype&&`replace`in CSSStyleSheet.prototype,a=Symbol(),o=new WeakMap,s=class{constructor(e,t,n){if(this._$cssResult$=!0,n!==a)throw Error("CSSResult is not constructable. Use `unsafeCSS` or `css` instead.");this.cssText=e,this.t=t}get styleSheet(){let e=this.o,t=this.t;if(i&&e===void 0){let n=t!==void 0&&t.length===1;n&&(e=o.get(t)),e===void 0&&((this.o=e=new CSSStyleSheet).replaceSync(this.cssText),n&&o.set(t,e))}return e}toString(){return this.cssText}},c=e=>new s(typeof e==`string`?e:e+``,void 0,a),l=(e,...t)=>new s(e.length===1?e[0]:t.reduce((t,n,r)=>t+(e=>{if(!0===e._$cssResult$)return e.cssText;if(typeof e==`number`)return e;throw Error(`Value passed to 'css' function must be a 'css' function result: `+e+`. Use 'unsafeCSS' to pass non-literal values, but take care to ensure page security.`)})(n)+e[r+1],e[0]),e,a),u=(e,t)=>{if(i)e.adoptedStyleSheets=t.map(e=>e instanceof CSSStyleSheet?e:e.styleSheet);else for(let n of t){let t=document.createElement(`style`),i=r.litNonce;i!==void 0&&t.setAttribute(`nonce`,i),t.textContent=n.cssText,e.appendChild(t)}},d=i?e=>e:e=>e instanceof CSSStyleSheet?(e=>{let t=``;for(let n of e.cssRules)t+=n.cssText;return c(t)})(e):e,{is:ee,defineProperty:te,getOwnPropertyDescriptor:ne,getOwnPropertyNames:re,getOwnPropertySymbols:ie,getPrototypeOf:ae}=Object,f=globalThis,p=f.trustedTypes,oe=p?p.emptyScript:``,se=f.reactiveElementPolyfillSupport,m=(e,t)=>e,h={toAttribute(e,t){switch(t){case Boolean:e=e?oe:null;break;case Object:case Array:e=e==null?e:JSON.stringify(e)}return e},fromAttribute(e,t){let n=e;switch(t){case Boolean:n=e!==null;break;case Number:n=e===null?null:Number(e);break;case Object:case Array:try{n=JSON.parse(e)}catch{n=null}}return n}},g=(e,t)=>!ee(e,t),_={attribute:!0,type:String,converter:h,reflect:!1,useDefault:!1,hasChanged:g};Symbol.metadata??=Symbol(`metadata`),f.litPropertyMetadata??=new WeakMap;var v=class extends HTMLElement{static addInitializer(e){this._$Ei(),(this.l??=[]).push(e)}static get observedAttributes(){return this.finalize(),this._$Eh&&[...this._$Eh.keys()]}static createProperty(e,t=_){if(t.state&&(t.attribute=!1),this._$Ei(),this.prototype.hasOwnProperty(e)&&((t=Object.create(t)).wrapped=!0),this.elementProperties.set(e,t),!t.noAccessor){let n=Symbol(),r=this.getPropertyDescriptor(e,n,t);r!==void 0&&te(this.prototype,e,r)}}static getPropertyDescriptor(e,t,n){let{get:r,set:i}=ne(this.prototype,e)??{get(){return this[t]},set(e){this[t]=e}};return{get:r,set(t){let a=r?.call(this);i?.call(this,t),this.requestUpdate(e,a,n)},configurable:!0,enumerable:!0}}static getPropertyOptions(e){return this.elementProperties.get(e)??_}static _$Ei(){if(this.hasOwnProperty(m(`elementProperties`)))return;let e=ae(this);e.finalize(),e.l!==void 0&&(this.l=[...e.l]),this.elementProperties=new Map(e.elementProperties)}static finalize(){if(this.hasOwnProperty(m(`finalized`)))return;if(this.finalized=!0,this._$Ei(),this.hasOwnProperty(m(`properties`))){let e=this.properties,t=[...re(e),...ie(e)];for(let n of t)this.createProperty(n,e[n])}let e=this[Symbol.metadata];if(e!==null){let t=litPropertyMetadata.get(e);if(t!==void 0)for(let[e,n]of t)this.elementProperties.set(e,n)}this._$Eh=new Map;for(let[e,t]of this.elementProperties){let n=this._$Eu(e,t);n!==void 0&&this._$Eh.set(n,e)}this.elementStyles=this.finalizeStyles(this.styles)}static finalizeStyles(e){let t=[];if(Array.isArray(e)){let n=new Set(e.flat(1/0).reverse());for(let e of n)t.unshift(d(e))}else e!==void 0&&t.push(d(e));return t}static _$Eu(e,t){let n=t.attribute;return!1===n?void 0:typeof n==`string`?n:typeof e==`string`?e.toLowerCase():void 0}constructor(){super(),this._$Ep=void 0,this.isUpdatePending=!1,this.hasUpdated=!1,this._$Em=null,this._$Ev()}_$Ev(){this._$ES=new Promise(e=>this.enableUpdating=e),this._$AL=new Map,this._$E_(),this.requestUpdate(),this.constructor.l?.forEach(e=>e(this))}addController(e){(this._$EO??=new Set).add(e),this.renderRoot!==void 0&&this.isConnected&&e.hostConnected?.()}removeController(e){this._$EO?.delete(e)}_$E_(){let e=new Map,t=this.constructor.elementProperties;for(let n of t.keys())this.hasOwnProperty(n)&&(e.set(n,this[n]),delete this[n]);e.size>0&&(this._$Ep=e)}createRenderRoot(){let e=this.shadowRoot??this.attachShadow(this.constructor.shadowRootOptions);return u(e,this.constructor.elementStyles),e}connectedCallback(){this.renderRoot??=this.createRenderRoot(),this.enableUpdating(!0),this._$EO?.forEach(e=>e.hostConnected?.())}enableUpdating(e){}disconnectedCallback(){this._$EO?.forEach(e=>e.hostDisconnected?.())}attributeChangedCallback(e,t,n){this._$AK(e,n)}_$ET(e,t){let n=this.constructor.elementProperties.get(e),r=this.constructor._$Eu(e,n);if(r!==void 0&&!0===n.reflect){let i=(n.converter?.toAttribute===void 0?h:n.converter).toAttribute(t,n.type);this._$Em=e,i==null?this.removeAttribute(r):this.setAttribute(r,i),this._$Em=null}}_$AK(e,t){let n=this.constructor,r=n._$Eh.get(e);if(r!==void 0&&this._$Em!==r){let e=n.getPropertyOptions(r),i=typeof e.converter==`function`?{fromAttribute:e.converter}:e.converter?.fromAttribute===void 0?h:e.converter;this._$Em=r;let a=i.fromAttribute(t,e.type);this[r]=a??this._$Ej?.get(r)??a,this._$Em=null}}requestUpdate(e,t,n,r=!1,i){if(e!==void 0){let a=this.constructor;if(!1===r&&(i=this[e]),n??=a.getPropertyOptions(e),!((n.hasChanged??g)(i,t)||n.useDefault&&n.reflect&&i===this._$Ej?.get(e)&&!this.hasAttribute(a._$Eu(e,n))))return;this.C(e,t,n)}!1===this.isUpdatePending&&(this._$ES=this._$EP())}C(e,t,{useDefault:n,reflect:r,wrapped:i},a){n&&!(this._$Ej??=new Map).has(e)&&(this._$Ej.set(e,a??t??this[e]),!0!==i||a!==void 0)||(this._$AL.has(e)||(this.hasUpdated||n||(t=void 0),this._$AL.set(e,t)),!0===r&&this._$Em!==e&&(this._$Eq??=new Set).add(e))}async _$EP(){this.isUpdatePending=!0;try{await this._$ES}catch(e){Promise.reject(e)}let e=this.scheduleUpdate();return e!=null&&await e,!this.isUpdatePending}scheduleUpdate(){return this.performUpdate()}performUpdate(){if(!this.isUpdatePending)return;if(!this.hasUpdated){if(this.renderRoot??=this.createRenderRoot(),this._$Ep){for(let[e,t]of this._$Ep)this[e]=t;this._$Ep=void 0}let e=this.constructor.elementProperties;if(e.size>0)for(let[t,n]of e){let{wrapped:e}=n,r=this[t];!0!==e||this._$AL.has(t)||r===void 0||this.C(t,void 0,n,r)}}let e=!1,t=this._$AL;try{e=this.shouldUpdate(t),e?(this.willUpdate(t),this._$EO?.forEach(e=>e.hostUpdate?.()),this.update(t)):this._$EM()}catch(t){throw e=!1,this._$EM(),t}e&&this._$AE(t)}willUpdate(e){}_$AE(e){this._$EO?.forEach(e=>e.hostUpdated?.()),this.hasUpdated||(this.hasUpdated=!0,this.firstUpdated(e)),this.updated(e)}_$EM(){this._$AL=new Map,this.isUpdatePending=!1}get updateComplete(){return this.getUpdateComplete()}getUpdateComplete(){return this._$ES}shouldUpdate(e){return!0}update(e){this._$Eq&&=this._$Eq.forEach(e=>this._$ET(e,this[e])),this._$EM()}updated(e){}firstUpdated(e){}};v.elementStyles=[],v.shadowRootOptions={mode:`open`},v[m(`elementProperties`)]=new Map,v[m(`finalized`)]=new Map,se?.({ReactiveElement:v}),(f.reactiveElementVersions??=[]).push(`2.1.2`);var y=globalThis,b=e=>e,x=y.trustedTypes,ce=x?x.createPolicy(`lit-html`,{createHTML:e=>e}):void 0,S=`$lit$`,C=`lit$${Math.random().toFixed(9).slice(2)}$`,w=`?`+C,le=`<${w}>`,T=document,E=()=>T.createComment(``),D=e=>e===null||typeof e!=`object`&&typeof e!=`function`,O=Array.isArray,ue=e=>O(e)||typeof e?.[Symbol.iterator]==`function`,k=`[ 	
\f\r]`,A=/<(?:(!--|\/[^a-zA-Z])|(\/?[a-zA-Z][^>\s]*)|(\/?$))/g,de=/-->/g,j=/>/g,M=RegExp(`>|${k}(?:([^\\s"'>=/]+)(${k}*=${k}*(?:[^ \t\n\f\r"'\`<>=]|("|')|))|$)`,`g`),N=/'/g,P=/"/g,F=/^(?:script|style|textarea|title)$/i,I=e=>(t,...n)=>({_$litType$:e,strings:t,values:n}),L=I(1),fe=I(2),R=Symbol.for(`lit-noChange`),z=Symbol.for(`lit-nothing`),B=new WeakMap,V=T.createTreeWalker(T,129);function H(e,t){if(!O(e)||!e.hasOwnProperty(`raw`))throw Error(`invalid template strings array`);return ce===void 0?t:ce.createHTML(t)}var pe=(e,t)=>{let n=e.length-1,r=[],i,a=t===2?`<svg>`:t===3?`<math>`:``,o=A;for(let t=0;t<n;t++){let n=e[t],s,c,l=-1,u=0;for(;u<n.length&&(o.lastIndex=u,c=o.exec(n),c!==null);)u=o.lastIndex,o===A?c[1]===`!--`?o=de:c[1]===void 0?c[2]===void 0?c[3]!==void 0&&(o=M):(F.test(c[2])&&(i=RegExp(`</`+c[2],`g`)),o=M):o=j:o===M?c[0]===`>`?(o=i??A,l=-1):c[1]===void 0?l=-2:(l=o.lastIndex-c[2].length,s=c[1],o=c[3]===void 0?M:c[3]===`"`?P:N):o===P||o===N?o=M:o===de||o===j?o=A:(o=M,i=void 0);let d=o===M&&e[t+1].startsWith(`/>`)?` `:``;a+=o===A?n+le:l>=0?(r.push(s),n.slice(0,l)+S+n.slice(l)+C+d):n+C+(l===-2?t:d)}return[H(e,a+(e[n]||`<?>`)+(t===2?`</svg>`:t===3?`</math>`:``)),r]},U=class e{constructor({strings:t,_$litType$:n},r){let i;this.parts=[];let a=0,o=0,s=t.length-1,c=this.parts,[l,u]=pe(t,n);if(this.el=e.createElement(l,r),V.currentNode=this.el.content,n===2||n===3){let e=this.el.content.firstChild;e.replaceWith(...e.childNodes)}for(;(i=V.nextNode())!==null&&c.length<s;){if(i.nodeType===1){if(i.hasAttributes())for(let e of i.getAttributeNames())if(e.endsWith(S)){let t=u[o++],n=i.getAttribute(e).split(C),r=/([.?@])?(.*)/.exec(t);c.push({type:1,index:a,name:r[2],strings:n,ctor:r[1]===`.`?he:r[1]===`?`?ge:r[1]===`@`?_e:K}),i.removeAttribute(e)}else e.startsWith(C)&&(c.push({type:6,index:a}),i.removeAttribute(e));if(F.test(i.tagName)){let e=i.textContent.split(C),t=e.length-1;if(t>0){i.textContent=x?x.emptyScript:``;for(let n=0;n<t;n++)i.append(e[n],E()),V.nextNode(),c.push({type:2,index:++a});i.append(e[t],E())}}}else if(i.nodeType===8){if(i.data===w)c.push({type:2,index:a});else{let e=-1;for(;(e=i.data.indexOf(C,e+1))!==-1;)c.push({type:7,index:a}),e+=C.length-1}}a++}}static createElement(e,t){let n=T.createElement(`template`);return n.innerHTML=e,n}};function W(e,t,n=e,r){if(t===R)return t;let i=r===void 0?n._$Cl:n._$Co?.[r],a=D(t)?void 0:t._$litDirective$;return i?.constructor!==a&&(i?._$AO?.(!1),a===void 0?i=void 0:(i=new a(e),i._$AT(e,n,r)),r===void 0?n._$Cl=i:(n._$Co??=[])[r]=i),i!==void 0&&(t=W(e,i._$AS(e,t.values),i,r)),t}var me=class{constructor(e,t){this._$AV=[],this._$AN=void 0,this._$AD=e,this._$AM=t}get parentNode(){return this._$AM.parentNode}get _$AU(){return this._$AM._$AU}u(e){let{el:{content:t},parts:n}=this._$AD,r=(e?.creationScope??T).importNode(t,!0);V.currentNode=r;let i=V.nextNode(),a=0,o=0,s=n[0];for(;s!==void 0;){if(a===s.index){let t;s.type===2?t=new G(i,i.nextSibling,this,e):s.type===1?t=new s.ctor(i,s.name,s.strings,this,e):s.type===6&&(t=new ve(i,this,e)),this._$AV.push(t),s=n[++o]}a!==s?.index&&(i=V.nextNode(),a++)}return V.currentNode=T,r}p(e){let t=0;for(let n of this._$AV)n!==void 0&&(n.strings===void 0?n._$AI(e[t]):(n._$AI(e,n,t),t+=n.strings.length-2)),t++}},G=class e{get _$AU(){return this._$AM?._$AU??this._$Cv}constructor(e,t,n,r){this.type=2,this._$AH=z,this._$AN=void 0,this._$AA=e,this._$AB=t,this._$AM=n,this.options=r,this._$Cv=r?.isConnected??!0}get parentNode(){let e=this._$AA.parentNode,t=this._$AM;return t!==void 0&&e?.nodeType===11&&(e=t.parentNode),e}get startNode(){return this._$AA}get endNode(){return this._$AB}_$AI(e,t=this){e=W(this,e,t),D(e)?e===z||e==null||e===``?(this._$AH!==z&&this._$AR(),this._$AH=z):e!==this._$AH&&e!==R&&this._(e):e._$litType$===void 0?e.nodeType===void 0?ue(e)?this.k(e):this._(e):this.T(e):this.$(e)}O(e){return this._$AA.parentNode.insertBefore(e,this._$AB)}T(e){this._$AH!==e&&(this._$AR(),this._$AH=this.O(e))}_(e){this._$AH!==z&&D(this._$AH)?this._$AA.nextSibling.data=e:this.T(T.createTextNode(e)),this._$AH=e}$(e){let{values:t,_$litType$:n}=e,r=typeof n==`number`?this._$AC(e):(n.el===void 0&&(n.el=U.createElement(H(n.h,n.h[0]),this.options)),n);if(this._$AH?._$AD===r)this._$AH.p(t);else{let e=new me(r,this),n=e.u(this.options);e.p(t),this.T(n),this._$AH=e}}_$AC(e){let t=B.get(e.strings);return t===void 0&&B.set(e.strings,t=new U(e)),t}k(t){O(this._$AH)||(this._$AH=[],this._$AR());let n=this._$AH,r,i=0;for(let a of t)i===n.length?n.push(r=new e(this.O(E()),this.O(E()),this,this.options)):r=n[i],r._$AI(a),i++;i<n.length&&(this._$AR(r&&r._$AB.nextSibling,i),n.length=i)}_$AR(e=this._$AA.nextSibling,t){for(this._$AP?.(!1,!0,t);e!==this._$AB;){let t=b(e).nextSibling;b(e).remove(),e=t}}setConnected(e){this._$AM===void 0&&(this._$Cv=e,this._$AP?.(e))}},K=class{get tagName(){return this.element.tagName}get _$AU(){return this._$AM._$AU}constructor(e,t,n,r,i){this.type=1,this._$AH=z,this._$AN=void 0,this.element=e,this.name=t,this._$AM=r,this.options=i,n.length>2||n[0]!==``||n[1]!==``?(this._$AH=Array(n.length-1).fill(new String),this.strings=n):this._$AH=z}_$AI(e,t=this,n,r){let i=this.strings,a=!1;if(i===void 0)e=W(this,e,t,0),a=!D(e)||e!==this._$AH&&e!==R,a&&(this._$AH=e);else{let r=e,o,s;for(e=i[0],o=0;o<i.length-1;o++)s=W(this,r[n+o],t,o),s===R&&(s=this._$AH[o]),a||=!D(s)||s!==this._$AH[o],s===z?e=z:e!==z&&(e+=(s??``)+i[o+1]),this._$AH[o]=s}a&&!r&&this.j(e)}j(e){e===z?this.element.removeAttribute(this.name):this.element.setAttribute(this.name,e??``)}},he=class extends K{constructor(){super(...arguments),this.type=3}j(e){this.element[this.name]=e===z?void 0:e}},ge=class extends K{constructor(){super(...arguments),this.type=4}j(e){this.element.toggleAttribute(this.name,!!e&&e!==z)}},_e=class extends K{constructor(e,t,n,r,i){super(e,t,n,r,i),this.type=5}_$AI(e,t=this){if((e=W(this,e,t,0)??z)===R)return;let n=this._$AH,r=e===z&&n!==z||e.capture!==n.capture||e.once!==n.once||e.passive!==n.passive,i=e!==z&&(n===z||r);r&&this.element.removeEventListener(this.name,this,n),i&&this.element.addEventListener(this.name,this,e),this._$AH=e}handleEvent(e){typeof this._$AH==`function`?this._$AH.call(this.options?.host??this.element,e):this._$AH.handleEvent(e)}},ve=class{constructor(e,t,n){this.element=e,this.type=6,this._$AN=void 0,this._$AM=t,this.options=n}get _$AU(){return this._$AM._$AU}_$AI(e){W(this,e)}},ye=y.litHtmlPolyfillSupport;ye?.(U,G),(y.litHtmlVersions??=[]).push(`3.3.3`);var be=(e,t,n)=>{let r=n?.renderBefore??t,i=r._$litPart$;if(i===void 0){let e=n?.renderBefore??null;r._$litPart$=i=new G(t.insertBefore(E(),e),e,void 0,n??{})}return i._$AI(e),i},q=globalThis,J=class extends v{constructor(){super(...arguments),this.renderOptions={host:this},this._$Do=void 0}createRenderRoot(){let e=super.createRenderRoot();return this.renderOptions.renderBefore??=e.firstChild,e}update(e){let t=this.render();this.hasUpdated||(this.renderOptions.isConnected=this.isConnected),super.update(e),this._$Do=be(t,this.renderRoot,this.renderOptions)}connectedCallback(){super.connectedCallback(),this._$Do?.setConnected(!0)}disconnectedCallback(){super.disconnectedCallback(),this._$Do?.setConnected(!1)}render(){return R}};J._$litElement$=!0,J.finalized=!0,q.litElementHydrateSupport?.({LitElement:J});var xe=q.litElementPolyfillSupport;xe?.({LitElement:J}),(q.litElementVersions??=[]).push(`4.2.2`);var Y=e=>fe`<svg viewBox="0 0 24 24" width="20" height="20" fill="none" stroke="currentColor" stroke-width="1.75"
    stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d=${e}></path></svg>`,Se=Y(`M6 9a6 6 0 0 1 12 0c0 6 2.5 7 2.5 8h-17C3.5 16 6 15 6 9M10 20.5a2.2 2.2 0 0 0 4 0`),X=Y(`M6 6l12 12M18 6L6 18`),Ce=Y(`M4 7h9m4 0h3M4 17h3m4 0h9M15 4.5v5M9 14.5v5`),we=Y(`M15 5l-7 7 7 7`),Te=Y(`M5.5 12h.01M12 12h.01M18.5 12h.01`),Ee=Y(`M5 12.5l4.5 4.5L19 7.5`);Y(`M9 4h6l-1 6 3 3H7l3-3-1-6M12 13v7`);var De=()=>new Date(Date.now()+36e5),Z=e=>{let t=new Date;return t.setDate(t.getDate()+e),t.setHours(9,0,0,0),t},Oe=()=>Z((8-new Date().getDay())%7||7);function ke(e){return e.status===`snoozed`?[{key:`unsnooze`,action:`unsnooze`}]:e.status===`dismissed`?[{key:`restore`,action:`restore`}]:e.status===`resolved`?[{key:`dismiss`,action:`dismiss`}]:[e.read_at?{key:`markUnread`,action:`unread`}:{key:`read`,action:`read`},e.pinned?{key:`unpin`,action:`unpin`}:{key:`pin`,action:`pin`},{key:`snoozeHour`,action:`snooze`,until:De},{key:`snoozeTomorrow`,action:`snooze`,until:()=>Z(1)},{key:`snoozeWeek`,action:`snooze`,until:Oe},{key:`dismiss`,action:`dismiss`}]}function Ae(e,t,n){let{language:r}=e,i=t.read_at===null&&(t.status===`new`||t.status===`seen`);return L`<li class="item ${i?`is-unread`:``}" part="item" data-id=${t.id}>
    <button class="main" @click=${()=>e.select(t)}>
      ${i?L`<span class="dot"></span><span class="hidden">${r.say(`isUnread`)}: </span>`:z}
      <span class="title" part="item-title" dir="auto">${t.title}</span>
      ${t.body?L`<span class="body" part="item-body" dir="auto">${t.body}</span>`:z}
      <span class="about">
        <time datetime=${t.created_at}>${r.hour(t.created_at)}</time>
        ${t.severity===`info`?z:L`<span class=${t.severity}>${r.say(t.severity)}</span>`}
        ${t.pinned?L`<span>${r.say(`pinned`)}</span>`:z}
        ${t.status===`snoozed`&&t.snoozed_until?L`<span>${r.say(`snoozedUntil`,{time:r.moment(t.snoozed_until)})}</span>`:z}
        ${t.status===`resolved`?L`<span>${r.say(`resolved`)}</span>`:z}
      </span>
    </button>
    <button
      class="icon"
      aria-haspopup="menu"
      aria-expanded=${e.menu===t.id}
      aria-label=${r.say(`more`,{title:t.title})}
      @click=${()=>e.toggleMenu(t)}
    >
      ${Te}
    </button>
    ${e.menu===t.id?je(e,t,n):z} ${Me(e,t)}
  </li>`}function je(e,t,n){return L`<div
    class="menu ${n?`up`:``}"
    role="menu"
    aria-label=${e.language.say(`more`,{title:t.title})}
  >
    ${ke(t).map(n=>L`<button role="menuitem" tabindex="-1" @click=${()=>e.choose(t,n)}>
        ${e.language.say(n.key)}
      </button>`)}
  </div>`}function Me(e,t){let n=t.actions.filter(e=>typeof e.label==`string`&&e.label);return n.length?L`<div class="buttons">
    ${n.map(n=>{let r=Ne(n.url),i=r=>e.activate(t,n,r);return r?L`<a class="action" part="action" href=${r} @click=${i}>${n.label}</a>`:L`<button class="action" part="action" @click=${i}>${n.label}</button>`})}
  </div>`:z}function Ne(e){if(typeof e!=`string`||!e)return null;try{let{protocol:t}=new URL(e,document.baseURI);return t===`https:`||t===`http:`||t===`mailto:`?e:null}catch{return null}}var Pe={default:`byDefault`,topic:`byTopic`,event:`byEvent`,critical:`critical`};function Fe(e,t){let{language:n}=e,r=t.available_channels,i=Le(t.events);return L`<div class="preferences">
    <table>
      <caption class="hidden">
        ${n.say(`events`)}
      </caption>
      <thead>
        <tr>
          <th scope="col">${n.say(`events`)}</th>
          ${r.map(e=>L`<th scope="col">${Be(n,e)}</th>`)}
        </tr>
      </thead>
      ${[...i].map(([t,n])=>L`<tbody>
          <tr>
            <th scope="rowgroup" colspan=${r.length+1}>${t}</th>
          </tr>
          ${n.map(t=>Re(e,t,r))}
        </tbody>`)}
    </table>
    ${ze(e,t.quiet_hours)}
  </div>`}function Ie(e,t,n,r){let i={enabled:r,source:`event`},a=e=>e.event===t?{...e,channels:{...e.channels,[n]:i}}:e;return{...e,events:e.events.map(a)}}function Le(e){let t=new Map;for(let n of e)t.set(n.topic,[...t.get(n.topic)??[],n]);return t}function Re(e,t,n){let{language:r}=e;return L`<tr>
    <th scope="row">${t.event}</th>
    ${n.map(n=>{let i=t.channels[n];return i?L`<td>
        <input
          type="checkbox"
          aria-label="${t.event}: ${Be(r,n)}"
          .checked=${i.enabled}
          ?disabled=${i.source===`critical`}
          @change=${r=>e.choose(t.event,n,r.target.checked)}
        />
        ${r.say(Pe[i.source]??`byDefault`)}
      </td>`:L`<td></td>`})}
  </tr>`}function ze(e,t){let{language:n}=e,r=t?.time_zone??Intl.DateTimeFormat().resolvedOptions().timeZone;return L`<form @submit=${t=>{t.preventDefault();let n=new FormData(t.target),r=n.get(`on`)!==null,i=e=>String(n.get(e)??``);e.setQuietHours(r?{begins:i(`begins`),ends:i(`ends`),time_zone:i(`zone`)}:null)}}>
    <fieldset>
      <legend>${n.say(`quietHours`)}</legend>
      <label><input type="checkbox" name="on" .checked=${t!==null} /> ${n.say(`quietHoursMore`)}</label>
      <div class="hours">
        <label>${n.say(`from`)}<input type="time" name="begins" required .value=${t?.begins??`22:00`} /></label>
        <label>${n.say(`to`)}<input type="time" name="ends" required .value=${t?.ends??`07:00`} /></label>
        <label class="zone"
          >${n.say(`timeZone`)}<input name="zone" required list="zones" autocomplete="off" .value=${r}
        /></label>
        <datalist id="zones">
          ${(Intl.supportedValuesOf?.(`timeZone`)??[]).map(e=>L`<option value=${e}></option>`)}
        </datalist>
        <button class="primary" type="submit">${n.say(`save`)}</button>
      </div>
    </fieldset>
  </form>`}function Be(e,t){return e.say(`channel_${t}`)}var Ve=(function(){let e=typeof document<`u`&&document.createElement(`link`).relList;return e&&e.supports&&e.supports(`modulepreload`)?`modulepreload`:`preload`})(),He=function(e){return`/`+e},Ue={},We=function(e){return e.pathname.endsWith(`.css`)},Ge=function(e,t,n){if(t in e)return e[t];let r=n();if(!r){e[t]=void 0;return}let i=r.then(()=>{e[t]=void 0},n=>{throw e[t]=void 0,n});return e[t]=i,i},Q=function(e,t,n){let r=Promise.resolve();if(t&&t.length>0){let e,i=document.querySelector(`meta[property=csp-nonce]`),a=i?.nonce||i?.getAttribute(`nonce`);function o(e){return Promise.all(e.map(e=>Promise.resolve(e).then(e=>({status:`fulfilled`,value:e}),e=>({status:`rejected`,reason:e}))))}function s(e){return import.meta.resolve?new URL(import.meta.resolve(e)):new URL(e,import.meta.url)}r=o(t.map(t=>{t=He(t,n);let r=s(t),i=We(r);return Ge(Ue,r.href,()=>{if(e===void 0){e={all:new Set,styles:new Set};let t=document.getElementsByTagName(`link`);for(let n=t.length-1;n>=0;n--){let r=t[n];e.all.add(r.href),r.rel===`stylesheet`&&e.styles.add(r.href)}}if((i?e.styles:e.all).has(r.href))return;let t=document.createElement(`link`);if(t.rel=i?`stylesheet`:Ve,i||(t.as=`script`),t.crossOrigin=``,t.href=r.href,a&&t.setAttribute(`nonce`,a),document.head.appendChild(t),i)return new Promise((e,n)=>{let i=a=>{t.removeEventListener(`load`,i),t.removeEventListener(`error`,i),a.type===`error`?n(Error(`Unable to preload CSS for ${r}`)):e(a)};t.addEventListener(`load`,i),t.addEventListener(`error`,i)})})}).filter(e=>e!==void 0))}function i(e){let t=new Event(`vite:preloadError`,{cancelable:!0});if(t.payload=e,window.dispatchEvent(t),!t.defaultPrevented)throw e}return r.then(t=>{for(let e of t||[])e.status===`rejected`&&i(e.reason);return e().catch(i)})},Ke={en:()=>Q(()=>import(`./locale-en.js`),[]),de:()=>Q(()=>import(`./locale-de.js`),[]),fr:()=>Q(()=>import(`./locale-fr.js`),[]),es:()=>Q(()=>import(`./locale-es.js`),[]),ar:()=>Q(()=>import(`./locale-ar.js`),[])},qe=class e{constructor(e,t){this.tag=e,this.strings=t,this.plural=new Intl.PluralRules(e)}static async load(t){let n=t.toLowerCase().split(`-`)[0]??`en`,r=n in Ke?n:`en`,{default:i}=await Ke[r]();return new e(r===n?t:`en`,i)}say(e,t={}){let n=this.strings[e];return(typeof n==`string`?n:n[this.plural.select(Number(t.n))]??n.other).replace(/\{(\w+)\}/g,(e,n)=>{let r=t[n]??``;return typeof r==`number`?r.toLocaleString(this.tag):r})}moment(e){let t=new Date(e),n=$(t,new Date)?{}:{day:`numeric`,month:`short`};return t.toLocaleString(this.tag,{hour:`numeric`,minute:`2-digit`,...n})}hour(e){return new Date(e).toLocaleTimeString(this.tag,{hour:`numeric`,minute:`2-digit`})}day(e){let[t,n]=[new Date(e),new Date],r=new Date(n);if(r.setDate(n.getDate()-1),$(t,n))return this.say(`today`);if($(t,r))return this.say(`yesterday`);let i=t.getFullYear()===n.getFullYear()?{}:{year:`numeric`};return t.toLocaleDateString(this.tag,{weekday:`long`,day:`numeric`,month:`long`,...i})}};function $(e,t){return e.toDateString()===t.toDateString()}var Je=l`
  :host {
    --_accent: var(--tidings-accent, light-dark(#3b5bdb, #8ea5ff));
    --_on-accent: var(--tidings-on-accent, light-dark(#fff, #10142a));
    --_background: var(--tidings-background, light-dark(#fff, #1b1d23));
    --_raised: var(--tidings-raised, light-dark(#f4f5f8, #262932));
    --_text: var(--tidings-text, light-dark(#1c1f26, #eceef3));
    --_muted: var(--tidings-muted, light-dark(#5b6270, #a4abba));
    --_border: var(--tidings-border, light-dark(#e1e4ea, #353944));
    --_warning: var(--tidings-warning, light-dark(#8a5a00, #ffc45c));
    --_urgent: var(--tidings-urgent, light-dark(#b42318, #ff8f85));
    --_radius: var(--tidings-radius, 12px);
    --_font: var(--tidings-font, system-ui, sans-serif);
    color-scheme: light dark;
    display: inline-block;
    position: relative;
    min-width: 40px;
    min-height: 40px;
    font: 14px/1.45 var(--_font);
    color: var(--_text);
  }
  :host([theme="light"]) {
    color-scheme: light;
  }
  :host([theme="dark"]) {
    color-scheme: dark;
  }
  * {
    box-sizing: border-box;
  }
  button,
  select,
  input {
    font: inherit;
    color: inherit;
  }
  button {
    background: none;
    border: 0;
    padding: 0;
    cursor: pointer;
    border-radius: 8px;
  }
  :focus-visible {
    outline: 2px solid var(--_accent);
    outline-offset: 1px;
  }
  [hidden] {
    display: none !important;
  }
  .icon {
    width: 36px;
    height: 36px;
    display: grid;
    place-items: center;
    color: var(--_muted);
  }
  .icon:hover {
    background: var(--_raised);
    color: var(--_text);
  }
  .bell {
    position: relative;
    width: 40px;
    height: 40px;
    border-radius: 50%;
    color: inherit;
  }
  .badge {
    position: absolute;
    inset-block-start: -3px;
    inset-inline-end: -6px;
    pointer-events: none;
    min-width: 18px;
    height: 18px;
    padding: 0 5px;
    border-radius: 9px;
    background: var(--tidings-badge, light-dark(#c92a2a, #ff8787));
    color: var(--tidings-on-badge, light-dark(#fff, #2b0b0b));
    font-size: 11px;
    font-weight: 700;
    line-height: 18px;
    text-align: center;
  }
  .panel {
    position: absolute;
    z-index: 1000;
    inset-block-start: calc(100% + 8px);
    inset-inline-end: 0;
    width: 400px;
    height: min(640px, calc(100vh - 96px));
    display: flex;
    flex-direction: column;
    overflow: hidden;
    background: var(--_background);
    border: 1px solid var(--_border);
    border-radius: var(--_radius);
    box-shadow: 0 12px 32px rgb(0 0 0 / 0.18);
    text-align: start;
  }
  @media (max-width: 480px) {
    .panel {
      position: fixed;
      inset: 8px;
      width: auto;
      height: auto;
    }
  }
  .header {
    display: flex;
    align-items: center;
    gap: 4px;
    padding: 10px 10px 6px 16px;
  }
  :host(:dir(rtl)) .header {
    padding: 10px 16px 6px 10px;
  }
  h2 {
    flex: 1;
    margin: 0;
    font-size: 16px;
    font-weight: 650;
  }
  h3 {
    position: sticky;
    inset-block-start: 0;
    z-index: 1;
    margin: 0;
    padding: 8px 16px 4px;
    background: var(--_background);
    color: var(--_muted);
    font-size: 12px;
    font-weight: 600;
  }
  .tabs {
    display: flex;
    gap: 16px;
    padding: 0 16px;
    border-block-end: 1px solid var(--_border);
  }
  .tabs button {
    padding: 8px 0;
    border-radius: 0;
    color: var(--_muted);
    border-block-end: 2px solid transparent;
    margin-block-end: -1px;
  }
  .tabs button[aria-selected="true"] {
    color: var(--_text);
    font-weight: 600;
    border-color: var(--_accent);
  }
  .tabs .number {
    margin-inline-start: 4px;
    font-weight: 400;
    color: var(--_muted);
  }
  .filters {
    display: flex;
    gap: 6px;
    padding: 10px 16px 6px;
    overflow-x: auto;
    scrollbar-width: none;
    flex: none;
  }
  .filters select {
    max-width: 150px;
  }
  .filters select,
  .chip {
    flex: none;
    height: 28px;
    padding: 0 10px;
    border: 1px solid var(--_border);
    border-radius: 14px;
    background: var(--_background);
    font-size: 12px;
    white-space: nowrap;
  }
  .chip:hover {
    background: var(--_raised);
  }
  .chip[aria-pressed="true"] {
    background: var(--_accent);
    border-color: var(--_accent);
    color: var(--_on-accent);
  }
  .scroll {
    flex: 1;
    overflow-y: auto;
    overscroll-behavior: contain;
  }
  ul {
    list-style: none;
    margin: 0;
    padding: 0;
  }
  .item {
    position: relative;
    display: grid;
    grid-template-columns: 1fr auto;
    border-block-end: 1px solid var(--_border);
  }
  .item:hover {
    background: var(--_raised);
  }
  .main {
    display: block;
    width: 100%;
    min-width: 0;
    padding: 10px 0 10px 28px;
    border-radius: 0;
    text-align: start;
  }
  :host(:dir(rtl)) .main {
    padding: 10px 28px 10px 0;
  }
  .main:focus-visible {
    outline-offset: -2px;
  }
  .dot {
    position: absolute;
    inset-inline-start: 12px;
    inset-block-start: 17px;
    width: 8px;
    height: 8px;
    border-radius: 50%;
    background: var(--_accent);
  }
  .title {
    display: block;
    overflow-wrap: anywhere;
  }
  .is-unread .title {
    font-weight: 620;
  }
  .body {
    display: -webkit-box;
    -webkit-box-orient: vertical;
    -webkit-line-clamp: 2;
    overflow: hidden;
    overflow-wrap: anywhere;
    color: var(--_muted);
  }
  .about {
    display: flex;
    flex-wrap: wrap;
    gap: 2px 8px;
    margin-block-start: 2px;
    font-size: 12px;
    color: var(--_muted);
  }
  .warning {
    color: var(--_warning);
    font-weight: 600;
  }
  .urgent {
    color: var(--_urgent);
    font-weight: 600;
  }
  .item > .icon {
    margin: 6px 6px 0;
  }
  .buttons {
    grid-column: 1 / -1;
    display: flex;
    flex-wrap: wrap;
    gap: 8px;
    padding-inline: 28px 12px;
    padding-block-end: 12px;
  }
  .action,
  .primary {
    padding: 5px 12px;
    border: 1px solid var(--_border);
    border-radius: 8px;
    background: var(--_background);
    color: var(--_text);
    text-decoration: none;
    font-size: 13px;
    font-weight: 550;
  }
  .primary {
    background: var(--_accent);
    border-color: var(--_accent);
    color: var(--_on-accent);
  }
  .menu {
    position: absolute;
    z-index: 5;
    inset-inline-end: 10px;
    inset-block-start: 42px;
    min-width: 210px;
    padding: 4px;
    background: var(--_background);
    border: 1px solid var(--_border);
    border-radius: 10px;
    box-shadow: 0 8px 24px rgb(0 0 0 / 0.2);
  }
  .menu.up {
    inset-block: auto calc(100% - 10px);
  }
  .menu button {
    display: block;
    width: 100%;
    padding: 7px 10px;
    text-align: start;
  }
  .menu button:hover,
  .menu button:focus {
    background: var(--_raised);
  }
  .alert {
    display: flex;
    gap: 8px;
    margin: 8px 12px 0;
    padding: 8px 12px;
    border-inline-start: 3px solid currentColor;
    border-radius: 8px;
    background: var(--_raised);
    align-items: start;
  }
  .alert span {
    flex: 1;
    font-weight: 400;
    color: var(--_text);
  }
  .alert .icon {
    width: 24px;
    height: 24px;
  }
  .notice {
    padding: 6px 16px;
    background: var(--_raised);
    font-size: 12px;
  }
  .empty {
    display: grid;
    place-content: center;
    justify-items: center;
    gap: 4px;
    min-height: 60%;
    padding: 24px;
    text-align: center;
    color: var(--_muted);
  }
  .empty strong {
    color: var(--_text);
    font-size: 15px;
  }
  .skeleton {
    height: 74px;
    padding: 14px 28px;
    border-block-end: 1px solid var(--_border);
  }
  .skeleton::before,
  .skeleton::after {
    content: "";
    display: block;
    height: 12px;
    width: 70%;
    border-radius: 6px;
    background: var(--_raised);
  }
  .skeleton::after {
    width: 45%;
    margin-block-start: 12px;
  }
  .more {
    display: block;
    width: 100%;
    padding: 14px;
    border-radius: 0;
    color: var(--_muted);
  }
  .toast {
    position: absolute;
    z-index: 4;
    inset-inline: 12px;
    inset-block-end: 12px;
    display: flex;
    align-items: center;
    justify-content: space-between;
    gap: 12px;
    padding: 8px 8px 8px 14px;
    border-radius: 10px;
    background: light-dark(#20242e, #f1f3f8);
    color: light-dark(#fff, #1c1f26);
  }
  .toast button {
    padding: 5px 10px;
    font-weight: 650;
    color: light-dark(#aebcff, #2f4ac0);
  }
  .preferences {
    padding: 4px 16px 24px;
  }
  table {
    width: 100%;
    border-collapse: collapse;
  }
  th {
    text-align: start;
    font-weight: 500;
  }
  thead th {
    padding-block: 6px;
    font-size: 12px;
    color: var(--_muted);
  }
  th[scope="rowgroup"] {
    padding-block: 12px 2px;
    font-size: 12px;
    color: var(--_muted);
  }
  td {
    width: 78px;
    padding-block: 5px;
    font-size: 11px;
    color: var(--_muted);
    text-align: center;
    vertical-align: top;
  }
  tbody th[scope="row"] {
    padding-block: 5px;
    overflow-wrap: anywhere;
    vertical-align: top;
  }
  td input {
    display: block;
    width: 18px;
    height: 18px;
    margin: 1px auto 2px;
    accent-color: var(--_accent);
  }
  fieldset {
    margin: 20px 0 0;
    padding: 12px 0 0;
    border: 0;
    border-block-start: 1px solid var(--_border);
  }
  legend {
    float: inline-start;
    width: 100%;
    padding: 0;
    font-weight: 650;
  }
  .hours {
    display: flex;
    flex-wrap: wrap;
    gap: 8px;
    align-items: end;
    margin-block-start: 8px;
  }
  .hours label {
    display: grid;
    font-size: 12px;
    color: var(--_muted);
  }
  .hours input:not([type="checkbox"]) {
    height: 32px;
    padding: 0 8px;
    border: 1px solid var(--_border);
    border-radius: 8px;
    background: var(--_background);
    color: var(--_text);
  }
  .hours .zone input {
    width: 170px;
  }
  .hidden {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  @media (prefers-reduced-motion: no-preference) {
    .panel,
    .toast,
    .menu {
      animation: appear 0.12s ease-out;
    }
    @keyframes appear {
      from {
        opacity: 0;
        transform: translateY(-4px);
      }
    }
  }
`,Ye=[`open`,`unread`,`done`],Xe=[`urgent`,`warning`,`info`],Ze=1e4,Qe=1e3,$e=6,et=class extends J{static{this.styles=Je}static{this.properties={server:{type:String},token:{type:String},lang:{type:String},scopeNames:{attribute:!1},getToken:{attribute:!1},isOpen:{type:Boolean,reflect:!0,attribute:`open`},menu:{state:!0},toast:{state:!0},preferences:{state:!0},language:{state:!0}}}constructor(){super(),this.client=null,this.saving=null,this.announcement=``,this.toasting=null,this.seeing=null,this.watcher=null,this.told=``,this.pressed=e=>{let t=e.composedPath();this.isOpen&&!t.includes(this)?this.hide():this.menu&&!t.some(e=>e instanceof Element&&e.matches?.(`.menu, [aria-haspopup]`))&&(this.menu=null)},this.server=new URL(import.meta.url).origin,this.token=this.getToken=this.menu=this.toast=this.preferences=null,this.scopeNames={},this.isOpen=!1}connectedCallback(){super.connectedCallback(),document.addEventListener(`pointerdown`,this.pressed)}disconnectedCallback(){super.disconnectedCallback(),document.removeEventListener(`pointerdown`,this.pressed),this.client?.stop(),this.client=null,this.watcher?.disconnect()}async scheduleUpdate(){this.language??=await qe.load(this.tag),super.scheduleUpdate()}willUpdate(e){e.has(`lang`)&&this.language.tag!==this.tag&&qe.load(this.tag).then(e=>this.language=e),([`server`,`token`,`getToken`].some(t=>e.has(t))||!this.client)&&this.connect()}updated(e){e.has(`isOpen`)&&e.get(`isOpen`)!==void 0&&this.opened(),e.has(`menu`)&&this.menu&&this.find(`.menu button`)?.focus();let t=this.find(`.more`);this.watcher?.disconnect(),t&&(this.watcher=new IntersectionObserver(e=>{e.some(e=>e.isIntersecting)&&this.client?.loadMore()}),this.watcher.observe(t))}get tag(){return this.lang||this.closest(`[lang]`)?.lang||navigator.language||`en`}connect(){if(this.client?.stop(),this.client=null,!this.isConnected||!this.token&&!this.getToken)return;let e=new n({server:this.server.replace(/\/$/,``),getToken:()=>this.getToken?this.getToken():this.token});e.addEventListener(`change`,()=>this.changed()),e.addEventListener(`arrival`,e=>this.arrived(e.detail)),e.addEventListener(`preferences`,()=>this.preferences&&!this.saving&&void this.showPreferences()),this.client=e,e.start()}changed(){let{state:e,connection:t,error:n}=this.client?.snapshot??{},r=e?.counts,i=`${r?.unseen} ${r?.unread} ${t}`;i!==this.told&&(this.told=i,r&&this.tell(`tidings-count`,{unseen:r.unseen,unread:r.unread}),t===`unauthorized`&&this.tell(`tidings-auth-required`,{error:n})),this.isOpen&&this.see(),this.requestUpdate()}arrived(e){this.announce(this.language.say(`arrived`,{title:e.title})),this.tell(`tidings-notification`,{item:e})}see(){this.seeing??=setTimeout(()=>{this.seeing=null;let{items:e=[],connection:t}=this.client?.snapshot??{},n=e.filter(e=>e.status===`new`).map(e=>e.id);this.isOpen&&n.length&&t===`live`&&this.client?.act(`seen`,n).catch(()=>{})},Qe)}show(){this.isOpen=!0}close(){this.matches(`:focus-within`)&&this.updateComplete.then(()=>this.find(`.bell`)?.focus()),this.hide()}hide(){this.isOpen=!1,this.menu=this.preferences=null}opened(){this.tell(this.isOpen?`tidings-open`:`tidings-close`,{}),this.isOpen&&(this.see(),this.find(`[role=tab][aria-selected=true]`)?.focus())}keyed(e){if(e.key===`Escape`){e.stopPropagation(),this.menu?this.closeMenu():this.preferences?this.preferences=null:this.close();return}let t=e.composedPath()[0],n=t.closest(`[role=tablist], [role=menu], .list`);if(!n)return;let r=n.matches(`.list`),i=this.matches(`:dir(rtl)`),a=n.matches(`[role=tablist]`)?i?`ArrowLeft`:`ArrowRight`:`ArrowDown`,o=n.matches(`[role=tablist]`)?i?`ArrowRight`:`ArrowLeft`:`ArrowUp`,s=[...n.querySelectorAll(r?`.main`:`button`)],c=s.indexOf(r?t.closest(`.item`)?.querySelector(`.main`)??t:t),l={[a]:c+1,[o]:c-1,Home:0,End:s.length-1}[e.key];if(l===void 0)return;e.preventDefault();let u=s[r?Math.max(0,Math.min(l,s.length-1)):(l+s.length)%s.length];u?.focus(),n.matches(`[role=tablist]`)&&u?.click()}closeMenu(){let e=this.menu;this.menu=null,this.updateComplete.then(()=>this.find(`[data-id="${e}"] > .icon`)?.focus())}select(e){let t=this.tell(`tidings-select`,{item:e});e.read_at===null&&e.status!==`snoozed`&&(this.toast=null,this.done(this.keepingFocus(e,()=>this.client?.act(`read`,[e.id]))));let n=e.data.url;t&&typeof n==`string`&&/^(https?:|\/)/.test(n)&&location.assign(n)}toggleMenu(e){this.menu=this.menu===e.id?null:e.id}choose(e,t,n){typeof e==`string`?this.chooseChannel(e,t,n===!0):(this.menu=null,this.chosen(e,t))}async chosen(e,t){let n=this.client;if(!n)return;let r=t.until?.().toISOString();this.toast=null;let i=await this.done(this.keepingFocus(e,()=>n.act(t.action,[e.id],r)));if(!i)return;let{operation:a}=i,o=a?()=>n.undo(a):void 0,s=(e,t={})=>this.language.say(e,t);if(t.action===`read`&&this.showToast(s(`wasRead`),o),t.action===`dismiss`&&this.showToast(s(`wasDismissed`),o),t.action===`unread`&&this.showToast(s(`wasUnread`),()=>n.act(`read`,[e.id])),t.action===`snooze`&&r){let t=this.language.moment(r);this.showToast(s(`wasSnoozed`,{time:t}),()=>n.act(`unsnooze`,[e.id]))}}keepingFocus({id:e},t){let n=this.client?.snapshot.items??[],r=n.findIndex(t=>t.id===e),i=(n[r+1]??n[r-1])?.id,a=t();return this.updateComplete.then(()=>{let t=e=>this.find(`[data-id="${e}"] .main`);(t(e)??t(i)??this.find(`[role=tab][aria-selected=true]`))?.focus()}),a}activate(e,t,n){this.tell(`tidings-action`,{item:e,action:t})||n.preventDefault(),e.read_at===null&&this.done(this.client?.act(`read`,[e.id]))}async markAll(){let e=this.client;this.toast=null;let t=e&&await this.done(e.actOnAll(`read`));if(!t)return;let{operation:n,updated:r}=t;this.showToast(this.language.say(`markedAll`,{n:r}),n?()=>e.undo(n):void 0)}async done(e){try{return await e}catch(e){this.showToast(this.language.say(`failed`)),this.tell(`tidings-error`,{error:e});return}}showToast(e,t){this.toasting!==null&&clearTimeout(this.toasting),this.toast=t?{text:e,undo:t}:{text:e},this.announce(e),this.toasting=setTimeout(()=>this.toast=null,Ze)}async undo(){let e=this.toast?.undo;this.toast=null,e&&await this.done(e().then(()=>!0))&&this.announce(this.language.say(`undone`)),this.find(`[role=tab][aria-selected=true]`)?.focus()}narrow(e){this.client&&(this.menu=null,this.client.setView({...this.client.snapshot.state.view,...e}),this.find(`.scroll`)?.scrollTo(0,0))}async showPreferences(){this.preferences??=`asked`;let e=await this.done(this.client?.preferences());this.preferences&&=e??null}async chooseChannel(e,t,n){await this.changePreferences(r=>Ie(r,e,t,n),r=>r.choose(`events`,e,t,n))}setQuietHours(e){this.changePreferences(t=>({...t,quiet_hours:e}),t=>t.setQuietHours(e))}async changePreferences(e,t){let{client:n,preferences:r}=this;if(!n||r===null||r===`asked`)return;this.preferences=e(r);let{last:i,before:a}=this.saving??{last:Promise.resolve(),before:r},o=i.then(()=>this.done(t(n)));this.saving={last:o,before:a};let s=await o;if(s&&this.showToast(this.language.say(`saved`)),this.saving?.last!==o)return;let c=s??await n.preferences().catch(()=>a);this.saving?.last===o&&(this.saving=null,this.preferences&&=c)}render(){let e=this.client?.snapshot.state.counts?.unread??0,t=e?this.language.say(`bell`,{n:e}):this.language.say(`bellNone`);return L`
      <button
        class="icon bell"
        part="bell"
        aria-haspopup="dialog"
        aria-expanded=${this.isOpen}
        aria-label=${t}
        @click=${()=>this.isOpen?this.close():this.show()}
      >
        ${Se}
      </button>
      ${e?L`<span class="badge" part="badge" aria-hidden="true" dir="ltr">${e>99?`99+`:e}</span>`:z}
      <div class="hidden" role="status" aria-live="polite">${this.announcement}</div>
      ${this.isOpen?this.renderPanel():z}
    `}renderPanel(){let{language:e}=this,t=e.say(this.preferences?`preferences`:`title`);return L`<div
      class="panel"
      part="panel"
      role="dialog"
      aria-label=${t}
      lang=${e.tag}
      @keydown=${e=>this.keyed(e)}
    >
      <div class="header" part="header">
        ${this.preferences?this.iconButton(`back`,we,()=>this.preferences=null):z}
        <h2>${t}</h2>
        ${this.preferences?z:[this.iconButton(`markAll`,Ee,()=>void this.markAll()),this.iconButton(`preferences`,Ce,()=>void this.showPreferences())]}
        ${this.iconButton(`close`,X,()=>this.close())}
      </div>
      ${this.preferences===null?this.renderInbox():L`<div class="scroll">
              ${this.preferences===`asked`?this.renderSkeletons():Fe(this,this.preferences)}
            </div>`}
      ${this.toast?L`<div class="toast" part="toast">
              <span>${this.toast.text}</span>
              ${this.toast.undo?L`<button @click=${()=>void this.undo()}>${e.say(`undo`)}</button>`:z}
            </div>`:z}
    </div>`}iconButton(e,t,n){let r=this.language.say(e);return L`<button class="icon" data-name=${e} aria-label=${r} title=${r} @click=${n}>${t}</button>`}renderInbox(){let e=this.client?.snapshot,{view:t}=e?.state??{view:{tab:`open`}};return L`
      ${this.renderTabs(t.tab,e)} ${e?this.renderFilters(e):z}
      ${this.renderConnection(e)}
      <div class="scroll list" role="tabpanel" id="list" aria-labelledby="tab-${t.tab}" tabindex="-1">
        ${t.tab===`done`?z:this.renderAlerts(e)} ${this.renderItems(e)}
      </div>
    `}renderTabs(e,t){let n=t?.state.counts,r={open:n?.total,unread:n?.unread,done:void 0};return L`<div class="tabs" role="tablist" aria-label=${this.language.say(`tabs`)}>
      ${Ye.map(t=>L`<button
          role="tab"
          id="tab-${t}"
          aria-selected=${t===e}
          aria-controls="list"
          tabindex=${t===e?0:-1}
          @click=${()=>this.narrow({tab:t})}
        >
          ${this.language.say(t)}${r[t]===void 0?z:L` <span class="number">${r[t]?.toLocaleString(this.language.tag)}</span>`}
        </button>`)}
    </div>`}renderFilters({state:e}){let{view:t,counts:n}=e,r=n?.by_scope??[],i=(e,t)=>e?.includes(t)?e.filter(e=>e!==t):[...e??[],t],a=(e,t,n,r)=>L`<button class="chip" part="chip" aria-pressed=${n} @click=${r}>
        ${e} ${t.toLocaleString(this.language.tag)}
      </button>`,o=e=>(t.tab===`unread`?e?.unread:e?.total)??0,s=Object.entries(n?.by_topic??{}).filter(([e,n])=>n.total>0||t.topic?.includes(e));return L`<div class="filters" role="group" aria-label=${this.language.say(`filters`)}>
      <select
        aria-label=${this.language.say(`scope`)}
        @change=${e=>this.setScope(e.target.value)}
      >
        <option value="">${this.language.say(`all`)}</option>
        ${r.map(({scope:e,scope_id:n})=>{let r=t.scope===e&&(t.scope_id??null)===n;return L`<option value="${e} ${n??``}" ?selected=${r}>
            ${this.scopeName(e,n)}
          </option>`})}
      </select>
      ${Xe.filter(e=>n?.by_severity[e]?.total||t.severity?.includes(e)).map(e=>a(this.language.say(e),o(n?.by_severity[e]),!!t.severity?.includes(e),()=>this.narrow({severity:i(t.severity,e)})))}
      ${s.map(([e,n])=>a(e,o(n),!!t.topic?.includes(e),()=>this.narrow({topic:i(t.topic,e)})))}
    </div>`}setScope(e){if(!this.client)return;let[t,n]=e.split(` `),{scope:r,scope_id:i,...a}=this.client.snapshot.state.view,o=t?{scope:t,...n?{scope_id:n}:{}}:{};this.client.setView({...a,...o})}scopeName(e,t){return t?this.scopeNames[t]??this.language.say(e,{id:t.slice(0,4)}):this.language.say(`me`)}renderConnection(e){let{connection:t,items:n=[]}=e??{},r=t===`unauthorized`?`unauthorized`:t===`offline`&&n.length?`offline`:null;return r?L`<div class="notice" part="notice">${this.language.say(r)}</div>`:z}renderAlerts(e){return(e?.state.alerts??[]).map(e=>L`<div class="alert ${e.severity}" part="alert">
        <span dir="auto"><strong>${e.title}</strong>${e.body?L`<br />${e.body}`:z}</span>
        <button
          class="icon"
          aria-label="${this.language.say(`dismiss`)}: ${e.title}"
          @click=${()=>void this.done(this.client?.dismissAlert(e))}
        >
          ${X}
        </button>
      </div>`)}renderItems(e){let{items:t=[],state:n,error:r,isLoadingMore:i}=e??{};if(!t.length)return r&&!n?.listed?this.renderFailure():n?.listed?this.renderEmpty(n.view.tab):this.renderSkeletons();let a=[];for(let e of t){let t=e.pinned?this.language.say(`pinned`):this.language.day(e.created_at);a.at(-1)?.day===t?a.at(-1)?.items.push(e):a.push({day:t,items:[e]})}let o=new Set(t.length>4?t.slice(-3).map(e=>e.id):[]);return L`${a.map(({day:e,items:t})=>L`<h3>${e}</h3>
        <ul aria-label=${e}>
          ${t.map(e=>Ae(this,e,o.has(e.id)))}
        </ul>`)}
    ${n?.cursor?L`<button class="more" ?disabled=${i} @click=${()=>void this.client?.loadMore()}>
            ${this.language.say(i?`loading`:`loadMore`)}
          </button>`:z}`}renderEmpty(e){let[t,n]={open:[`emptyOpen`,`emptyOpenMore`],unread:[`emptyUnread`,null],done:[`emptyDone`,`emptyDoneMore`]}[e];return L`<div class="empty" part="empty">
      <strong>${this.language.say(t)}</strong>${n?L`<span>${this.language.say(n)}</span>`:z}
    </div>`}renderFailure(){return L`<div class="empty" part="error">
      <strong>${this.language.say(`cannotLoad`)}</strong>
      <button class="primary" @click=${()=>this.client?.retry()}>${this.language.say(`retry`)}</button>
    </div>`}renderSkeletons(){return L`<div aria-busy="true">
      <span class="hidden">${this.language.say(`loading`)}</span>
      ${Array.from({length:$e},()=>L`<div class="skeleton"></div>`)}
    </div>`}announce(e){this.announcement=e,this.requestUpdate()}tell(e,t){return this.dispatchEvent(new CustomEvent(e,{detail:t,bubbles:!0,composed:!0,cancelable:!0}))}find(e){return this.renderRoot.querySelector(e)}};customElements.get(`tidings-inbox`)||customElements.define(`tidings-inbox`,et);export{t as ApiError,n as InboxClient,et as TidingsInbox,e as state};